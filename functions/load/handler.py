"""Lambda handler of the nightly load's steps; the state machine names the step in the event."""

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from functions.common.database import Connection, ConnectionHolder
from functions.common.errors import EventError
from functions.common.landing import s3_client
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, LandingSettings
from functions.load.finish import finish
from functions.load.ledger import recorded_step
from functions.load.model import load_model
from functions.load.plan import RunRequest, plan
from functions.load.publish import publish
from functions.load.rebuild import rebuild
from functions.load.stage import stage
from functions.load.vault import load_hubs, load_links, load_satellites
from functions.quality.checks import check_staging, check_vault, enforce

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    run_id: str


class _Input(BaseModel):
    """The input of the execution: a rule or a person wrote it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    files: tuple[str, ...] = ()


class _Plan(_Event):
    step: Literal["plan"]
    execution_arn: str
    started_at: AwareDatetime
    input: _Input = _Input()


class _Stage(_Event):
    step: Literal["stage"]
    object_id: int


class _Check(_Event):
    step: Literal["check_staging", "check_vault"]


class _Other(_Event):
    step: Literal["hubs", "links", "satellites", "publish", "finish"]


class _Rebuild(_Event):
    """Asked for by a person, outside of any run."""

    step: Literal["rebuild"]
    run_id: str = "rebuild"


_EVENT: TypeAdapter[_Plan | _Stage | _Check | _Rebuild | _Other] = TypeAdapter(
    Annotated[_Plan | _Stage | _Check | _Rebuild | _Other, Field(discriminator="step")]
)
_connections = ConnectionHolder()


@cache
def _database() -> DatabaseSettings:
    return DatabaseSettings.from_environment()


@cache
def _s3() -> "S3Client":
    return s3_client()


def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Run one step in one transaction and return its result as JSON.

    Raises EventError for an event that is no step, TransientError leaves when the step is worth another try, and
    QualityError when a check of severity error failed (the results of all checks are kept all the same).
    """
    try:
        parsed = _EVENT.validate_python(event)
    except ValidationError as error:
        raise EventError(f"this is not a step of the nightly load: {error.errors(include_input=False)}") from None
    logger.append_keys(run_id=parsed.run_id, step=parsed.step)
    if isinstance(parsed, _Check):
        return _check(parsed)
    with _connections.transaction(_database()) as connection:
        result = _run(connection, parsed)
    logger.info("step done", extra={"result": {k: v for k, v in result.items() if k != "files"}})
    return result


def _check(event: _Check) -> dict[str, int]:
    check = {"check_staging": check_staging, "check_vault": check_vault}[event.step]
    with (
        _connections.transaction(_database()) as connection,
        recorded_step(connection, event.run_id, event.step) as step,
    ):
        results = check(connection, load_model(), event.run_id)
        step.rows = len(results)
    failed = [result for result in results if not result.passed]
    for result in failed:
        logger.warning("check failed", extra={"rule": result.rule, "observed": result.observed})
    enforce(results)
    return {"checks": len(results), "warnings": len(failed)}


def _run(connection: Connection, event: _Plan | _Stage | _Rebuild | _Other) -> dict[str, Any]:
    model = load_model()
    match event:
        case _Plan():
            request = RunRequest(event.run_id, event.execution_arn, event.started_at, event.input.files)
            object_ids = plan(connection, _s3(), LandingSettings.from_environment().landing_bucket, model, request)
            files = [{"object_id": object_id} for object_id in object_ids]
            return {"run_id": event.run_id, "file_count": len(files), "files": files}
        case _Stage():
            return {"status": stage(connection, _s3(), model, event.run_id, event.object_id)}
        case _Rebuild():
            return rebuild(connection)
        case _Other(step="hubs"):
            return load_hubs(connection, model, event.run_id)
        case _Other(step="links"):
            return load_links(connection, model, event.run_id)
        case _Other(step="satellites"):
            return load_satellites(connection, model, event.run_id)
        case _Other(step="publish"):
            return publish(connection, event.run_id)
        case _:
            return finish(connection, model, event.run_id)
