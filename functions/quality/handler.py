"""Lambda handler of the checks on staging and on the vault."""

from functools import cache
from typing import Any, Literal

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ConfigDict, ValidationError

from functions.common.database import ConnectionHolder
from functions.common.errors import EventError
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings
from functions.load.ledger import recorded_step
from functions.load.model import load_model
from functions.quality.checks import check_staging, check_vault, enforce

_connections = ConnectionHolder()


@cache
def _database() -> DatabaseSettings:
    return DatabaseSettings.from_environment()


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    check: Literal["staging", "vault"]
    run_id: str


def handle(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Run the checks, keep their results, and return how many passed and warned.

    Raises QualityError when a rule of severity error failed (its result is kept all the same), EventError for an
    event that asks for no check.
    """
    try:
        parsed = _Event.model_validate(event)
    except ValidationError as error:
        raise EventError(f"this is not a check: {error.errors(include_input=False)}") from None
    logger.append_keys(run_id=parsed.run_id, check=parsed.check)
    check = {"staging": check_staging, "vault": check_vault}[parsed.check]
    with (
        _connections.transaction(_database()) as connection,
        recorded_step(connection, parsed.run_id, f"check_{parsed.check}") as step,
    ):
        results = check(connection, load_model(), parsed.run_id)
        step.rows = len(results)
    failed = [result for result in results if not result.passed]
    for result in failed:
        logger.warning("check failed", extra={"rule": result.rule, "observed": result.observed})
    enforce(results)
    return {"checks": len(results), "warnings": len(failed)}
