"""Lambda handler of the rule "Step Functions Execution Status Change": records runs that did not succeed."""

from datetime import UTC, datetime
from typing import Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from functions.common import environment
from functions.common.errors import EventError
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings
from functions.load.plan.run_end import EndedExecution, record_end


class _Detail(BaseModel):
    """`detail` of the event. Instants are milliseconds since 1970 on AWS ("Step Functions Execution Status Change"
    in its EventBridge reference) and ISO 8601 text on LocalStack.
    """

    execution_arn: str = Field(alias="executionArn")
    name: str
    status: Literal["FAILED", "TIMED_OUT", "ABORTED"]
    start_date: AwareDatetime = Field(alias="startDate")
    stop_date: AwareDatetime | None = Field(default=None, alias="stopDate")
    error: str | None = None
    cause: str | None = None


class _Event(BaseModel):
    detail: _Detail


def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Record the end of the run in the ledger. Raises EventError for any other event."""
    try:
        detail = _Event.model_validate(event).detail
    except ValidationError as error:
        raise EventError(f"this is not the end of an execution: {error.errors(include_input=False)}") from None
    ended = EndedExecution(
        run_id=detail.name,
        execution_arn=detail.execution_arn,
        status=detail.status,
        started_at=detail.start_date,
        finished_at=detail.stop_date or datetime.now(UTC),
        error=detail.error,
        cause=detail.cause,
    )
    with environment.connections.transaction(environment.settings(DatabaseSettings)) as connection:
        recorded = record_end(connection, ended)
    logger.warning("run ended", extra={"run_id": ended.run_id, "status": ended.status, "recorded": recorded})
    return {"run_id": ended.run_id, "recorded": recorded}
