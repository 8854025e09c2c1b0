"""Lambda handler of the vault's steps where Spark keeps it: a job is written, Spark does it, and it is recorded.

So are maintenance of Spark's tables, and a move of the vault to Spark or back.
"""

import tempfile
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal

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
)  # fmt: skip

from functions.common import environment
from functions.common.errors import EventError
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, EngineSettings
from functions.common.vault_engine import Engine, require_engine
from functions.engine.maintenance import is_due, record_maintenance, write_maintenance
from functions.engine.serving import record_and_serve
from functions.engine.stored_job import RESULT_FILE, Folder, job_uri, upload_job
from functions.engine.vault_job import JOB_FILE, write_job
from functions.engine.vault_move import MoveRequest, begin_move, record_move, write_move
from functions.load.plan.ledger import reopen
from functions.load.time_left import SecondsLeft
from functions.model.reading import load_model


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    run_id: str
    redrive_count: NonNegativeInt = 0


class _Write(_Event):
    step: Literal["write_job", "write_maintenance"]


class _WriteMove(_Event):
    """`move_to`: the engine that is to keep the vault; the others as in a run's plan."""

    step: Literal["write_move"]
    move_to: Engine
    execution_arn: str
    started_at: AwareDatetime
    # LocalStack hands on the only match of a path as itself, not as a list of one
    running: Annotated[
        tuple[str, ...] | None, BeforeValidator(lambda given: (given,) if isinstance(given, str) else given)
    ] = None


class _Record(_Event):
    step: Literal["record_job", "record_maintenance", "record_move"]
    job: str


type _AnyEvent = _Write | _WriteMove | _Record
_EVENT: TypeAdapter[_AnyEvent] = TypeAdapter(Annotated[_AnyEvent, Field(discriminator="step")])


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Write a job to S3 (`is_needed`, and where it is: `job`), or record it (of a load: `rows`).

    `write_move` is to be called again until `is_done`. Raises EventError for an event that is no step,
    EngineMismatchError when PostgreSQL keeps the vault, and what writes and records the jobs raises; TransientError
    leaves when another try may help.
    """
    try:
        parsed = _EVENT.validate_python(event)
    except ValidationError as error:
        raise EventError(f"this is not a step of the engine: {error.errors(include_input=False)}") from None
    logger.append_keys(run_id=parsed.run_id, step=parsed.step)
    if parsed.redrive_count:
        with environment.connections.transaction(environment.settings(DatabaseSettings)) as connection:
            reopen(connection, parsed.run_id, parsed.redrive_count)
    if isinstance(parsed, _WriteMove):
        result = _write_move(parsed, lambda: float(context.get_remaining_time_in_millis()) / 1000)
    else:
        result = _write(parsed) if isinstance(parsed, _Write) else _record(parsed)
    logger.info("step done", extra={"result": result})
    return result


def _write(event: _Write) -> dict[str, Any]:
    run_id = event.run_id
    uri = job_uri(_bucket(), run_id, uuid.uuid4().hex[:8])
    with tempfile.TemporaryDirectory(prefix="job-") as scratch:
        folder = Path(scratch) / "job"
        with environment.connections.transaction(environment.settings(DatabaseSettings)) as connection:
            require_engine(connection, "spark")
            if event.step == "write_job":
                is_needed = write_job(connection, load_model(), run_id, folder)
            else:
                is_needed = is_due(connection) and write_maintenance(connection, run_id, folder)
        if is_needed:
            upload_job(environment.s3(), folder, uri)
    return {"is_needed": is_needed, "job": uri}


def _write_move(event: _WriteMove, seconds_left: SecondsLeft) -> dict[str, Any]:
    # one folder a run: a call goes on where another one ended
    uri = job_uri(_bucket(), event.run_id, "move")
    request = MoveRequest(event.run_id, event.execution_arn, event.started_at, event.move_to, event.running)
    settings = environment.settings(DatabaseSettings)
    with environment.connections.transaction(settings) as connection:
        is_needed = begin_move(connection, request)
    if not is_needed:
        return {"is_needed": False, "is_done": True, "job": uri}
    with environment.connections.transaction(settings) as connection:  # or the next call's would be a part of it
        is_done = write_move(connection, load_model(), environment.s3(), uri, request, seconds_left)
    return {"is_needed": True, "is_done": is_done, "job": uri}


def _record(event: _Record) -> dict[str, Any]:
    s3 = environment.s3()
    with environment.connections.session(environment.settings(DatabaseSettings)) as connection:
        match event.step:
            case "record_job":
                return {"rows": record_and_serve(connection, load_model(), s3, event.run_id, event.job)}
            case "record_move":
                return record_move(connection, s3, event.job, event.run_id)
            case _:
                folder = Folder(s3, event.job)
                job, result = folder.read(JOB_FILE), folder.read(RESULT_FILE)
                return {"compacted": record_maintenance(connection, event.run_id, job, result)}


def _bucket() -> str:
    return environment.settings(EngineSettings).warehouse_bucket
