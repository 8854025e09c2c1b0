"""Lambda handler of the nightly load's last step: the marts as Parquet files in the lake."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError

from functions.common import environment
from functions.common.errors import EventError
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, LakeSettings
from functions.load.lake.export import export, glue_table
from functions.load.recorded_step import recorded_step
from functions.model.reading import load_model


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    run_id: str


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
    bucket = environment.settings(LakeSettings).lake_bucket
    with environment.connections.transaction(environment.settings(DatabaseSettings)) as connection:
        connection.execute("set transaction isolation level repeatable read")
        with recorded_step(connection, run_id, "export") as step:
            exported = export(connection, environment.s3(), bucket, run_id, schema=load_model().lake_schema)
            step.rows = sum(each.rows for each in exported)
    rows = {each.table.name: each.rows for each in exported}
    logger.info("step done", extra={"result": rows})
    return {"rows": rows, "tables": [glue_table(each) for each in exported]}
