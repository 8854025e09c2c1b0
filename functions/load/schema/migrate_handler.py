"""Lambda handler of the custom resource that migrates the database as part of each deploy."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common.custom_resource import answered
from functions.common.database import connect, secret_value, transient_errors_named
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, MigrateSettings
from functions.load.schema.migrate import ROLES, migrate


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer CloudFormation's request: migrate on Create and Update, leave the data alone on Delete.

    Outside CloudFormation (no `ResponseURL` in the event) it migrates and lets errors pass.
    """
    if "ResponseURL" not in event:
        return {"applied": _migrate()}
    return answered(event, context, "c360-schema", lambda: {"Applied": ",".join(_migrate())})


def _migrate() -> list[str]:
    secrets = MigrateSettings.from_environment().database_role_secrets
    passwords = {role: str(secret_value(secrets[role])["password"]) if role in secrets else None for role in ROLES}
    with transient_errors_named(), connect(DatabaseSettings.from_environment()) as connection:
        applied = migrate(connection, passwords)
    logger.info("migrated", extra={"applied": applied})
    return applied
