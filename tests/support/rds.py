"""A PostgreSQL server as strict as RDS: no superuser for us, IAM tokens, TLS, its cap on connections.

Its administrator c360_admin is a member of rds_superuser, and signs in by token, as `iam-db-auth` makes the master
user do. Who is a member of rds_iam, by whatever way, gets in by a token only, never by a password: pg_hba.conf decides.

PostgreSQL asks PAM on RDS; ours is built with RADIUS alone, whose passwords end at 128 bytes. So the proxy that ends
TLS keeps the token and hands its digest on, and the RADIUS server accepts a digest whose token is signed for that user.
"""

import contextlib
import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

import psycopg
from psycopg import sql

from functions.common.settings import DatabaseSettings
from infra.constructs.rds import ADMIN_USER
from local.servers.postgres import DATABASE, PostgresServer
from tests.support.tls_server import tls_only

REGION = "us-east-1"
ACCESS_KEY, SECRET_KEY = "AKIATEST", "test"
"""The stand-in signer's, which tests put in the environment."""
MAX_CONNECTIONS = 112
"""Of a db.t4g.micro: 1 GiB less what the system takes, divided by 9,531,392."""

_SETTINGS = """
max_connections = {connections}
superuser_reserved_connections = 3
fsync = off
scram_iterations = 1
"""
_HBA = """
host all rdsadmin 127.0.0.1/32 scram-sha-256
host all +rds_iam 127.0.0.1/32 radius radiusservers="127.0.0.1" radiusports="{port}" radiussecrets="shared"
host all all 127.0.0.1/32 scram-sha-256
"""
_ROLES = """
create role rds_superuser;
create role rds_iam;
create role rds_password;
grant pg_monitor, pg_signal_backend, pg_checkpoint, pg_maintain to rds_superuser with admin option;
create role c360_admin login createrole createdb in role rds_superuser;
grant rds_iam, rds_password to c360_admin with admin option;
"""


@dataclass(frozen=True)
class RdsServer:
    """`superuser_url`: of AWS's own rdsadmin, for what a test arranges behind the scenes."""

    superuser_url: str
    port: int
    authority: Path

    def settings(self, user: str = ADMIN_USER, database: str = DATABASE) -> DatabaseSettings:
        """How a function signs in on AWS."""
        return DatabaseSettings(
            database_host="127.0.0.1",
            database_port=self.port,
            database_name=database,
            database_user=user,
            database_auth="iam",
            database_ssl_mode="verify-full",
            database_ssl_root_cert=str(self.authority),
        )

    def environment(self, user: str = ADMIN_USER, database: str = DATABASE) -> dict[str, str]:
        """The same, as the environment variables of a function."""
        settings = self.settings(user, database).model_dump(exclude={"database_url"})
        return {name.upper(): str(value) for name, value in settings.items()} | signer()

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The name of another, empty database that the administrator owns, as it owns the first."""
        name = f"test_{threading.get_ident()}_{datetime.now(UTC):%H%M%S%f}"
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            made = sql.SQL("create database {} owner {}")
            connection.execute(made.format(sql.Identifier(name), sql.Identifier(ADMIN_USER)))
            try:
                yield name
            finally:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def signer() -> dict[str, str]:
    """The environment of somebody whose IAM policy lets them in as any user."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
    }


@contextlib.contextmanager
def rds_server(folder: Path) -> Iterator[RdsServer]:
    """Such a server, with its data in `folder`."""
    server = PostgresServer(folder / "postgres", administrator="rdsadmin")
    tokens: dict[bytes, str] = {}

    def hand_over(token: bytes) -> bytes:
        digest = hashlib.sha256(token).hexdigest().encode()
        tokens[digest] = token.decode()
        return digest

    with server.running(), _radius(tokens) as radius_port:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(_ROLES)
            connection.execute("alter database c360 owner to c360_admin")
        server.stop()
        cluster = folder / "postgres" / "cluster"
        (cluster / "pg_hba.conf").write_text(_HBA.format(port=radius_port), encoding="utf-8")
        with (cluster / "postgresql.conf").open("a", encoding="utf-8") as configuration:
            configuration.write(_SETTINGS.format(connections=MAX_CONNECTIONS))
        server.start()
        with tls_only(server.port, folder, hand_over) as (port, authority):
            yield RdsServer(server.url, port, authority)
    server.remove()


@contextlib.contextmanager
def _radius(tokens: dict[bytes, str]) -> Iterator[int]:
    """A RADIUS server (RFC 2865) on a port of its own; `tokens`: those that were handed over, by their digest."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    request, sender = listener.recvfrom(4096)
                    if not request:
                        return
                    listener.sendto(_answered(request, tokens), sender)

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        yield port
        listener.sendto(b"", ("127.0.0.1", port))
        thread.join()


def _answered(request: bytes, tokens: dict[bytes, str]) -> bytes:
    authenticator, attributes = request[4:20], {}
    position = 20
    while position < len(request):
        kind, length = request[position], request[position + 1]
        attributes[kind] = request[position + 2 : position + length]
        position += length
    password, before = b"", authenticator
    for start in range(0, len(attributes[2]), 16):
        block = attributes[2][start : start + 16]
        key = hashlib.md5(b"shared" + before, usedforsecurity=False).digest()
        password += bytes(a ^ b for a, b in zip(block, key, strict=True))
        before = block
    is_accepted = is_signed(tokens.get(password.rstrip(b"\0"), ""), attributes[1].decode())
    head = bytes([2 if is_accepted else 3]) + request[1:2] + (20).to_bytes(2, "big")
    return head + hashlib.md5(head + authenticator + b"shared", usedforsecurity=False).digest()


def is_signed(token: str, user: str) -> bool:
    """Whether our signer signed the token (Signature Version 4, query string) for `user`, within its 15 minutes."""
    address = urlsplit(f"https://{token}")
    given = dict(parse_qsl(address.query))
    signature = given.pop("X-Amz-Signature", "")
    if given.get("Action") != "connect" or given.get("DBUser") != user or not signature:
        return False
    signed_at = datetime.strptime(given["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if not timedelta(0) <= datetime.now(UTC) - signed_at + timedelta(seconds=5) <= timedelta(minutes=15):
        return False
    scope = given["X-Amz-Credential"].partition("/")[2]
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(given[name], safe='-_.~')}" for name in sorted(given))
    empty = hashlib.sha256(b"").hexdigest()
    canonical = f"GET\n{address.path or '/'}\n{query}\nhost:{address.netloc}\n\nhost\n{empty}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{given['X-Amz-Date']}\n{scope}\n{digest}"
    key = f"AWS4{SECRET_KEY}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), signature)
