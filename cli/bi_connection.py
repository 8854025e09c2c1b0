"""The database for BI tools: a deployment's own, as its read-only role, or one that the user names."""

import json

from cli.deployment import Deployment
from cli.errors import DeploymentError, UsageError
from dashboards.connection import BiConnection

_ROLE = "c360_bi"


def bi_connection(deployment: Deployment, url: str | None) -> BiConnection:
    """`url` where it is given, else the database of the deployment as the functions reach it, as c360_bi.

    Raises UsageError for a wrong URL, DeploymentError where the role has no password: on AWS it signs in with IAM.
    """
    if url:
        try:
            return BiConnection.from_url(url)
        except ValueError as error:
            raise UsageError(f"--database-url: {error}") from error
    outputs = deployment.stack_outputs
    if "BiSecretArn" not in outputs:
        raise DeploymentError(
            f"{_ROLE} of this deployment has no password; name the database and a role that has with --database-url"
        )
    secret = json.loads(deployment.secrets.get_secret_value(SecretId=outputs["BiSecretArn"])["SecretString"])
    where = (outputs["DatabaseHost"], int(outputs["DatabasePort"]), outputs["DatabaseName"])
    return BiConnection(*where, user=_ROLE, password=secret["password"])
