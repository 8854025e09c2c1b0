"""Lambda handler of the custom resource that migrates the database as part of each deploy."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common.custom_resource import answered
from functions.common.database import connect, secret_value, transient_errors_named
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, MigrateSettings
from functions.load.schema.migrate import ROLES, NewerDatabaseError, migrate


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer CloudFormation's request: migrate on Create and Update, leave the data alone on Delete.

    Attributes: `Applied`, the names of the migrations; `Outcome`, a sentence, which the stack shows as an output.
    When a deployment fails after its migrations, CloudFormation rolls back: it brings the former code, and sends it an
    Update. Migrations only go forward, so a newer database is then left as it is; an error would leave the stack in
    UPDATE_ROLLBACK_FAILED. On Create it is an error: nothing has to go back there.

    Outside CloudFormation (no `ResponseURL` in the event) it migrates and lets errors pass.
    """
    if "ResponseURL" not in event:
        return {"applied": _migrate()}
    return answered(event, context, "c360-schema", lambda: _attributes(event))


def _attributes(event: dict[str, Any]) -> dict[str, str]:
    try:
        applied = _migrate()
    except NewerDatabaseError as error:
        if event["RequestType"] != "Update":
            raise
        logger.warning("left alone, as for a rollback", extra={"reason": str(error)})
        return {"Applied": "", "Outcome": f"left alone: {error}; docs/runbook.md, section A stack is stuck"}
    return {"Applied": ",".join(applied), "Outcome": f"up to date, {len(applied)} migrations applied"}


def _migrate() -> list[str]:
    secrets = MigrateSettings.from_environment().database_role_secrets
    passwords = {role: str(secret_value(secrets[role])["password"]) if role in secrets else None for role in ROLES}
    with transient_errors_named(), connect(DatabaseSettings.from_environment()) as connection:
        applied = migrate(connection, passwords)
    logger.info("migrated", extra={"applied": applied})
    return applied
