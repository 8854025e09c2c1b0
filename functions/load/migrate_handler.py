"""Lambda handler of the custom resource that migrates the database as part of each deploy."""

import json
import urllib.request
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.common.database import connect, secret_value, transient_errors_named
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings, MigrateSettings
from functions.load.migrate import ROLES, migrate

_REASON_LIMIT = 2000  # CloudFormation takes 4 KB for the whole answer


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer CloudFormation's request: migrate on Create and Update, leave the data alone on Delete.

    Outside CloudFormation (no `ResponseURL` in the event) it migrates and lets errors pass.
    """
    if "ResponseURL" not in event:
        return {"applied": _migrate()}
    answer = {
        "Status": "SUCCESS",
        "PhysicalResourceId": event.get("PhysicalResourceId", "c360-schema"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
    }
    try:
        applied = [] if event["RequestType"] == "Delete" else _migrate()
        answer["Data"] = {"Applied": ",".join(applied)}
    except Exception as error:  # noqa: BLE001 - whatever it is, CloudFormation would wait an hour for an answer
        logger.exception("migration failed")
        answer |= {"Status": "FAILED", "Reason": f"{error} (log stream {context.log_stream_name})"[:_REASON_LIMIT]}
    _send(event["ResponseURL"], answer)
    return answer


def _migrate() -> list[str]:
    secrets = MigrateSettings.from_environment().database_role_secrets
    passwords = {role: str(secret_value(secrets[role])["password"]) if secrets else None for role in ROLES}
    with transient_errors_named(), connect(DatabaseSettings.from_environment()) as connection:
        applied = migrate(connection, passwords)
    logger.info("migrated", extra={"applied": applied})
    return applied


def _send(url: str, answer: dict[str, Any]) -> None:
    """Put the answer where CloudFormation looks for it (AWS: "Custom resource response objects")."""
    request = urllib.request.Request(url, json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - the URL is CloudFormation's
        response.read()
