"""Lambda handler of the nightly load's steps; the state machine names the step in the event."""

from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal, Self

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)  # fmt: skip

from functions.audit.chain import append, find, verify
from functions.audit.shipment import ship
from functions.common import environment
from functions.common.database import Connection
from functions.common.errors import EventError
from functions.common.logging import logger
from functions.common.settings import AuditSettings, DatabaseSettings, LandingSettings
from functions.load.check_vault import check_in_units
from functions.load.judge import judge_files, refuse_unstaged
from functions.load.marts.publish import publish
from functions.load.marts.rebuild import rebuild
from functions.load.metrics import emit_checks, emit_run
from functions.load.plan.finish import empty_staging, finish
from functions.load.plan.held_lists import held_lists
from functions.load.plan.ledger import reopen
from functions.load.plan.manifest import write_manifest
from functions.load.plan.plan import RunRequest, plan
from functions.load.plan.split import large_objects, split, staging_items
from functions.load.recorded_step import recorded_step
from functions.load.retention import enforce_retention
from functions.load.retraction import are_retractions_due
from functions.load.staging.quarantine import RowFilter, find_rows
from functions.load.staging.set_aside import give_up
from functions.load.staging.stage import stage
from functions.load.time_left import SecondsLeft
from functions.load.vault.hubs import load_hubs
from functions.load.vault.links import load_links
from functions.load.vault.satellites import load_satellites
from functions.model.reading import load_model
from functions.quality.checks import CheckResult, check_staging, enforce
from functions.quality.file_outcome import check_outcomes, explain_file


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    run_id: str
    redrive_count: NonNegativeInt = 0


class _Input(BaseModel):
    """The input of the execution: a rule or a person wrote it. `from` and `to` are days, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    files: tuple[str, ...] = ()
    first_day: date | None = Field(default=None, alias="from")
    last_day: date | None = Field(default=None, alias="to")
    accept_deletions: bool = False
    retract: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError("from is after to")
        return self


class _Plan(_Event):
    step: Literal["plan"]
    execution_arn: str
    started_at: AwareDatetime
    input: _Input = _Input()
    # LocalStack hands on the only match of a path as itself, not as a list of one
    running: Annotated[
        tuple[str, ...] | None, BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
    ] = None


class _Split(_Event):
    step: Literal["split"]
    object_id: int


class _Stage(_Event):
    step: Literal["stage"]
    object_id: int
    part: int = 0


class _GiveUp(_Event):
    step: Literal["give_up"]
    object_id: int


class _Check(_Event):
    """`check_vault` is to be called again when its time comes to an end before its work."""

    step: Literal["check_staging", "check_vault"]


class _Vault(_Event):
    """A step in batches: when its time comes to an end before its work, it is to be called again."""

    step: Literal["hubs", "links", "satellites"]


class _Other(_Event):
    step: Literal["parts", "publish", "finish", "retention"]


class _Rebuild(_Event):
    """Asked for by a person, outside of any run."""

    step: Literal["rebuild"]
    run_id: str = "rebuild"


class _Lists(BaseModel):
    """No step of a run: a question of `c360 lists`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    step: Literal["held_lists"]


class _ExplainFile(BaseModel):
    """No step of a run: a question of `c360 explain-file` and of `c360 retract`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    step: Literal["explain_file"]
    key: str


class _Quarantine(BaseModel):
    """No step of a run: a question of `c360 quarantine`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    step: Literal["quarantine"]
    ids: tuple[int, ...] | None = None
    file: str | None = None
    rule: str | None = None
    run: str | None = None
    replayed: bool = False
    persons: bool = False
    asked_by: str | None = None
    after: int = 0
    limit: Annotated[int, Field(ge=1, le=10_000)] = 100


class _Audit(BaseModel):
    """No step of a run: a question of `c360 audit`. Without `limit` the chain is verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    step: Literal["audit"]
    noted_hash: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$")] = None
    customer: str | None = None
    before: int | None = None
    limit: Annotated[int | None, Field(ge=1, le=10_000)] = None


type _AnyEvent = (
    _Plan
    | _Split
    | _Stage
    | _GiveUp
    | _Check
    | _Vault
    | _Rebuild
    | _Other
    | _Quarantine
    | _ExplainFile
    | _Audit
    | _Lists
)
_EVENT: TypeAdapter[_AnyEvent] = TypeAdapter(Annotated[_AnyEvent, Field(discriminator="step")])


def _transaction() -> AbstractContextManager[Connection]:
    return environment.connections.transaction(environment.settings(DatabaseSettings))


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one step in one transaction, or one that takes long in batches or units, and return its result as JSON.

    Raises EventError for an event that is no step, TransientError leaves when the step is worth another try, and
    QualityError when a check of severity error failed (the results of all checks are kept all the same).
    """
    try:
        parsed = _EVENT.validate_python(event)
    except ValidationError as error:
        raise EventError(f"this is not a step of the nightly load: {error.errors(include_input=False)}") from None
    if isinstance(parsed, _Quarantine):
        return _find_quarantined(parsed)
    if isinstance(parsed, _Lists):
        with _transaction() as connection:
            return {"held": held_lists(connection)}
    if isinstance(parsed, _ExplainFile):
        return _explain_file(parsed)
    if isinstance(parsed, _Audit):
        return _audit(parsed)
    object_id = parsed.object_id if isinstance(parsed, _Split | _Stage | _GiveUp) else None
    logger.append_keys(run_id=parsed.run_id, step=parsed.step, object_id=object_id)
    if parsed.redrive_count:
        with _transaction() as connection:
            reopen(connection, parsed.run_id, parsed.redrive_count)
    if isinstance(parsed, _Check):
        return _check(parsed, _clock(context))
    if isinstance(parsed, _Vault):
        return _load_vault(parsed, _clock(context))
    if isinstance(parsed, _Other) and parsed.step == "finish":
        with environment.connections.session(environment.settings(DatabaseSettings)) as connection:
            empty_staging(connection, parsed.run_id)
    with _transaction() as connection:
        result = _run(connection, parsed)
    if isinstance(parsed, _Other) and parsed.step == "finish":
        emit_run(result)
    logger.info("step done", extra={"result": {k: v for k, v in result.items() if k not in ("files", "large")}})
    return result


def _explain_file(event: _ExplainFile) -> dict[str, Any]:
    with _transaction() as connection:
        return explain_file(connection, load_model(), event.key)


def _find_quarantined(event: _Quarantine) -> dict[str, Any]:
    question = event.model_dump(exclude={"step", "asked_by"})
    with _transaction() as connection:
        answer = find_rows(connection, RowFilter(**question))
        if event.persons:
            asked = {name: str(value) for name, value in question.items() if value not in (None, False)}
            append(
                connection,
                "read",
                route="quarantine",
                subject=event.asked_by,
                records=len(answer["rows"]),
                filter=asked,
            )
        return answer


def _audit(event: _Audit) -> dict[str, Any]:
    with _transaction() as connection:
        if event.limit is None:
            return asdict(verify(connection, event.noted_hash))
        return {"records": find(connection, event.customer, event.before, event.limit)}


def _clock(context: LambdaContext) -> SecondsLeft:
    """How much is left of the function's time."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000


def _check_staging(run_id: str) -> list[CheckResult]:
    with _transaction() as connection, recorded_step(connection, run_id, "check_staging") as step:
        refuse_unstaged(connection, run_id)
        judge_files(connection, load_model(), run_id)
        results = check_staging(connection, load_model(), run_id)
        step.rows = len(results)
    return results


def _check(event: _Check, seconds_left: SecondsLeft) -> dict[str, Any]:
    results: list[CheckResult] | None
    if event.step == "check_staging":
        results = _check_staging(event.run_id)
    else:
        with environment.connections.session(environment.settings(DatabaseSettings)) as connection:
            results = check_in_units(connection, load_model(), event.run_id, seconds_left)
    if results is None:
        logger.info("step goes on in another call")
        return {"is_done": False}
    emit_checks(event.run_id, results)
    failed = [result for result in results if not result.passed]
    for result in failed:
        logger.warning("check failed", extra={"rule": result.rule, "observed": result.observed})
    enforce(results)
    counts = {"checks": len(results), "warnings": len(failed)}
    logger.info("step done", extra={"result": counts})
    return {"is_done": True, **counts}


def _load_vault(event: _Vault, seconds_left: SecondsLeft) -> dict[str, Any]:
    load = {"hubs": load_hubs, "links": load_links, "satellites": load_satellites}[event.step]
    with environment.connections.session(environment.settings(DatabaseSettings)) as connection:
        loaded = load(connection, load_model(), event.run_id, seconds_left)
    logger.info("step done" if loaded.is_done else "step goes on in another call", extra={"result": loaded.rows})
    return {"is_done": loaded.is_done, "rows": loaded.rows}


def _planned(connection: Connection, event: _Plan) -> dict[str, Any]:
    landing = environment.settings(LandingSettings)
    request = RunRequest(
        event.run_id, event.execution_arn, event.started_at, **dict(event.input), running=event.running
    )
    plan(connection, environment.s3(), landing.landing_bucket, load_model(), request)
    large = large_objects(connection, event.run_id, landing.landing_split_bytes)
    files = _handed_over(connection, event.run_id)
    large_items = [{"object_id": object_id} for object_id in large]
    manifest = write_manifest(environment.s3(), landing.landing_bucket, event.run_id, "large", large_items)
    return {
        "run_id": event.run_id,
        "are_retractions_due": are_retractions_due(connection, event.run_id),
        **files,
        "large_count": len(large),
        "are_many_large": manifest is not None,
        "large": large_items if manifest is None else [],
        "large_manifest": manifest or "",
    }


def _handed_over(connection: Connection, run_id: str) -> dict[str, Any]:
    """What is to be staged: in the state, or in a manifest that it names."""
    bucket = environment.settings(LandingSettings).landing_bucket
    files = staging_items(connection, run_id)
    manifest = write_manifest(environment.s3(), bucket, run_id, "files", files)
    return {
        "bucket": bucket,
        "file_count": len(files),
        "are_many_files": manifest is not None,
        "files": files if manifest is None else [],
        "files_manifest": manifest or "",
    }


def _run(connection: Connection, event: _Plan | _Split | _Stage | _GiveUp | _Rebuild | _Other) -> dict[str, Any]:
    model = load_model()
    match event:
        case _Plan():
            return _planned(connection, event)
        case _Split():
            split_bytes = environment.settings(LandingSettings).landing_split_bytes
            return {"status": split(connection, environment.s3(), model, event.run_id, event.object_id, split_bytes)}
        case _Stage():
            return {"status": stage(connection, environment.s3(), model, event.run_id, event.object_id, event.part)}
        case _GiveUp():
            return {"status": give_up(connection, event.run_id, event.object_id)}
        case _Other(step="parts"):
            return _handed_over(connection, event.run_id)
        case _Rebuild():
            return rebuild(connection)
        case _Other(step="publish"):
            written = publish(connection, event.run_id)
            check_outcomes(connection, model, event.run_id)
            return written
        case _Other(step="retention"):
            if bucket := environment.settings(AuditSettings).audit_bucket:
                ship(connection, environment.s3(), bucket)
            return enforce_retention(connection, event.run_id)
        case _:
            return finish(connection, event.run_id)
