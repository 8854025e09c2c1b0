"""Lambda handler of the vault's steps where Spark keeps it: a job is written, Spark does it, and it is recorded."""

import tempfile
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, TypeAdapter, ValidationError

from functions.common import environment
from functions.common.errors import EventError
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, EngineSettings
from functions.common.vault_engine import require_engine
from functions.engine.serving import record_and_serve
from functions.engine.stored_job import job_uri, upload_job
from functions.engine.vault_job import write_job
from functions.load.plan.ledger import reopen
from functions.model.reading import load_model


class _Write(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    step: Literal["write_job"]
    run_id: str
    redrive_count: NonNegativeInt = 0


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    step: Literal["record_job"]
    run_id: str
    job: str
    redrive_count: NonNegativeInt = 0


_EVENT: TypeAdapter[_Write | _Record] = TypeAdapter(Annotated[_Write | _Record, Field(discriminator="step")])


def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Write the run's job to S3 (`is_needed`, and where it is: `job`), or record it and copy its rows (`rows`).

    Raises EventError for an event that is neither, EngineMismatchError when PostgreSQL keeps the vault, and what
    write_job and record_and_serve raise; TransientError leaves when another try may help.
    """
    try:
        parsed = _EVENT.validate_python(event)
    except ValidationError as error:
        raise EventError(f"this is not a step of the engine: {error.errors(include_input=False)}") from None
    logger.append_keys(run_id=parsed.run_id, step=parsed.step)
    if parsed.redrive_count:
        with environment.connections.transaction(environment.settings(DatabaseSettings)) as connection:
            reopen(connection, parsed.run_id, parsed.redrive_count)
    result = _write(parsed.run_id) if isinstance(parsed, _Write) else _record(parsed.run_id, parsed.job)
    logger.info("step done", extra={"result": result})
    return result


def _write(run_id: str) -> dict[str, Any]:
    bucket = environment.settings(EngineSettings).warehouse_bucket
    uri = job_uri(bucket, run_id, uuid.uuid4().hex[:8])
    with tempfile.TemporaryDirectory(prefix="job-") as scratch:
        folder = Path(scratch) / "job"
        with environment.connections.transaction(environment.settings(DatabaseSettings)) as connection:
            require_engine(connection, "spark")
            is_needed = write_job(connection, load_model(), run_id, folder)
        if is_needed:
            upload_job(environment.s3(), folder, uri)
    return {"is_needed": is_needed, "job": uri}


def _record(run_id: str, uri: str) -> dict[str, Any]:
    with environment.connections.session(environment.settings(DatabaseSettings)) as connection:
        return {"rows": record_and_serve(connection, load_model(), environment.s3(), run_id, uri)}
