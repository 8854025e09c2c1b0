"""The way to an AWS deployment's database: a port that SSM forwards, and the caller's own IAM token."""

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.errors import DeploymentError, UsageError
from infra.outputs import FORWARDING

PORT = 5433
"""On this machine; `C360_TUNNEL_PORT` is another."""
READER = "c360_bi"
"""As whom one signs in; `C360_DATABASE_USER` is another, such as c360_bi_persons."""


def local_port() -> int:
    """Where the tunnel ends on this machine. Raises UsageError for a setting that is no port."""
    chosen = os.environ.get("C360_TUNNEL_PORT") or str(PORT)
    if not chosen.isdecimal() or not 1 <= int(chosen) <= 65535:
        raise UsageError(f"C360_TUNNEL_PORT={chosen} is no port: give a number from 1 to 65535")
    return int(chosen)


def require_open() -> None:
    """Raises DeploymentError where nothing answers at the tunnel's end."""
    port = local_port()
    if not _answers(port):
        raise DeploymentError(
            f"nothing on this machine leads to the database of an AWS deployment (port {port}): deploy with"
            " -c database_access=tunnel and leave `c360 tunnel` running, or use the API"
        )


def sign_in(outputs: Mapping[str, str], rds: Any) -> dict[str, Any]:
    """Arguments of psycopg's connect: the database's own name, which TLS verifies, at the tunnel's end.

    `outputs`: of the stacks; `rds`: boto3's client, which signs the token. Raises DeploymentError for a server that is
    not the deployment's own.
    """
    if "DatabaseHost" not in outputs:
        raise DeploymentError("the deployment uses a server that exists: reach it as you do without c360")
    user = os.environ.get("C360_DATABASE_USER") or READER
    host, database_port = outputs["DatabaseHost"], int(outputs["DatabasePort"])
    token = rds.generate_db_auth_token(DBHostname=host, Port=database_port, DBUsername=user)
    return {
        "host": host,
        "hostaddr": "127.0.0.1",
        "port": local_port(),
        "dbname": outputs["DatabaseName"],
        "user": user,
        "password": token,
        "sslmode": "verify-full",
        "sslrootcert": str(authorities()),
    }


def tunnel_command(outputs: Mapping[str, str], region: str, port: int | None = None) -> list[str]:
    """The command of AWS's that opens it. `outputs`: of the stacks, that for people's access too.

    Raises DeploymentError where the deployment has none.
    """
    host = outputs.get("TunnelInstanceId")
    if host is None:
        raise DeploymentError("this deployment has no tunnel: deploy it with -c database_access=tunnel")
    parameters = {
        "host": [outputs["DatabaseHost"]],
        "portNumber": [outputs["DatabasePort"]],
        "localPortNumber": [str(port or local_port())],
    }
    words = ["aws", "ssm", "start-session", "--region", region, "--target", host]
    return [*words, "--document-name", FORWARDING, "--parameters", json.dumps(parameters)]


def authorities() -> Path:
    """The file of RDS's certificate authorities, written where the platform keeps its files."""
    from infra.constructs.certificates import rds_certificates
    from local.paths import Paths

    paths = Paths.default()
    with paths.private():
        paths.rds_authorities.write_bytes(rds_certificates())
    return paths.rds_authorities


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False
