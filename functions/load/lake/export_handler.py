"""Lambda handler of the nightly load's last step: the marts as Parquet files in the lake."""

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError

from functions.common.database import ConnectionHolder
from functions.common.errors import EventError
from functions.common.landing import s3_client
from functions.common.ledger import recorded_step
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, LakeSettings
from functions.load.lake.export import export, glue_table

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_connections = ConnectionHolder()


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    run_id: str


@cache
def _database() -> DatabaseSettings:
    return DatabaseSettings.from_environment()


@cache
def _s3() -> "S3Client":
    return s3_client()


def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Export the marts; return rows by table, and the tables for the Glue catalog (`tables`: TableInputs).

    Raises EventError for another event, TransientError leaves when another try may help, LakeError when a value does
    not fit the lake's types.
    """
    try:
        run_id = _Event.model_validate(event).run_id
    except ValidationError as error:
        raise EventError(f"this is not the export of a run: {error.errors(include_input=False)}") from None
    logger.append_keys(run_id=run_id, step="export")
    bucket = LakeSettings.from_environment().lake_bucket
    with _connections.transaction(_database()) as connection:
        connection.execute("set transaction isolation level repeatable read")
        with recorded_step(connection, run_id, "export") as step:
            exported = export(connection, _s3(), bucket, run_id)
            step.rows = sum(each.rows for each in exported)
    rows = {each.table.name: each.rows for each in exported}
    logger.info("step done", extra={"result": rows})
    return {"rows": rows, "tables": [glue_table(each) for each in exported]}
