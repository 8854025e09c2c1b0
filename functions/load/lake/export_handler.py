"""Lambda handler of the nightly load's last step: the marts as Parquet files in the lake."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError

from functions.common import environment
from functions.common.database import Connection
from functions.common.errors import EventError
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, LakeSettings
from functions.load.lake.export import ExportedTable, export, glue_table
from functions.load.lake.sliced_export import STEP, are_many, export_in_slices
from functions.load.recorded_step import recorded_step
from functions.load.time_left import SecondsLeft
from functions.model.reading import load_model


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    run_id: str


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Export the marts; return rows by table, and the tables for the Glue catalog (`tables`: TableInputs).

    `is_done` is false when the time came to an end before the work: the next call goes on.

    Raises EventError for another event, TransientError leaves when another try may help, LakeError when a value does
    not fit the lake's types.
    """
    try:
        run_id = _Event.model_validate(event).run_id
    except ValidationError as error:
        raise EventError(f"this is not the export of a run: {error.errors(include_input=False)}") from None
    logger.append_keys(run_id=run_id, step="export")
    bucket = environment.settings(LakeSettings).lake_bucket
    with environment.connections.session(environment.settings(DatabaseSettings)) as connection:
        exported = _export(connection, bucket, run_id, lambda: float(context.get_remaining_time_in_millis()) / 1000)
    if exported is None:
        logger.info("step goes on in another call")
        return {"is_done": False, "rows": {}, "tables": []}
    rows = {each.table.name: each.rows for each in exported}
    logger.info("step done", extra={"result": rows})
    return {"is_done": True, "rows": rows, "tables": [glue_table(each) for each in exported]}


def _export(connection: Connection, bucket: str, run_id: str, seconds_left: SecondsLeft) -> list[ExportedTable] | None:
    s3, schema = environment.s3(), load_model().lake_schema
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        if not are_many(connection):
            with recorded_step(connection, run_id, STEP) as step:
                exported = export(connection, s3, bucket, run_id, schema=schema)
                step.rows = sum(each.rows for each in exported)
            return exported
    return export_in_slices(connection, s3, bucket, run_id, schema=schema, seconds_left=seconds_left)
