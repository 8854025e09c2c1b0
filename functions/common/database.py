"""One way to PostgreSQL: connections of a function, and which of their failures are worth another try."""

import json
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg

from functions.common.aws import aws_failures_named
from functions.common.errors import DatabaseConflictError, DatabaseUnavailableError
from functions.common.settings import DatabaseSettings

CONNECT_TIMEOUT_SECONDS = 5
WAKING_PAUSE_SECONDS = 0.5
IDLE_SECONDS = 240
"""After which a session of a server that may be paused ends: Aurora pauses when it has none for ten minutes."""

_CONFLICTS = (pg.DeadlockDetected, pg.SerializationFailure, pg.LockNotAvailable)
_OUTAGES = (
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.TooManyConnections,
    pg.OutOfMemory,
    pg.IdleInTransactionSessionTimeout,
)

type Connection = psycopg.Connection[tuple[Any, ...]]


def secret_value(arn: str) -> dict[str, Any]:
    """The JSON object that the Secrets Manager secret `arn` holds."""
    import boto3  # here, since it costs 0.2 s of a cold start that URL sign-ins do not need

    answer = boto3.client("secretsmanager").get_secret_value(SecretId=arn)
    value: dict[str, Any] = json.loads(answer["SecretString"])
    return value


def _password(settings: DatabaseSettings) -> str:
    """Raises DatabaseUnavailableError when Secrets Manager cannot answer now."""
    if settings.database_auth == "secret":
        with aws_failures_named("Secrets Manager", DatabaseUnavailableError):
            return str(secret_value(settings.database_secret_arn)["password"])
    import boto3

    token: str = boto3.client("rds").generate_db_auth_token(
        DBHostname=settings.database_host, Port=settings.database_port, DBUsername=settings.database_user
    )
    return token


def sign_in(settings: DatabaseSettings, *, connect_timeout: int = CONNECT_TIMEOUT_SECONDS) -> dict[str, Any]:
    """Arguments of psycopg's connect functions: server, user, time zone UTC, dates in ISO style.

    Raises DatabaseUnavailableError when the password cannot be read now.
    """
    options = "-c timezone=UTC -c datestyle=ISO,YMD"
    if settings.database_wake_seconds:
        options += f" -c idle_session_timeout={IDLE_SECONDS}s"
    session: dict[str, Any] = {
        "connect_timeout": connect_timeout,
        "application_name": "c360",
        "keepalives_idle": 30,
        **({"prepare_threshold": None} if settings.database_pooled else {"options": options}),
    }
    if settings.database_url is not None:
        return {"conninfo": settings.database_url.get_secret_value(), **session}
    return {
        "host": settings.database_host,
        "port": settings.database_port,
        "dbname": settings.database_name,
        "user": settings.database_user,
        "password": _password(settings),
        "sslmode": settings.database_ssl_mode,
        "sslrootcert": settings.database_ssl_root_cert or None,
        **session,
    }


def connect(settings: DatabaseSettings, *, connect_timeout: int = CONNECT_TIMEOUT_SECONDS) -> Connection:
    """Open a connection: explicit transactions, time zone UTC, dates in ISO style.

    Raises DatabaseUnavailableError when the server does not accept us within `connect_timeout` seconds, and, where it
    may be paused, in no try of the `database_wake_seconds`.
    """
    give_up_at = time.monotonic() + settings.database_wake_seconds
    while True:
        try:
            return psycopg.connect(**sign_in(settings, connect_timeout=connect_timeout))
        except psycopg.OperationalError as error:
            if time.monotonic() + WAKING_PAUSE_SECONDS >= give_up_at:
                raise DatabaseUnavailableError(f"cannot connect to PostgreSQL: {error}".strip()) from error
        time.sleep(WAKING_PAUSE_SECONDS)


@contextmanager
def transient_errors_named() -> Iterator[None]:
    """Turn psycopg's failures that another try may cure into TransientError; let all others pass."""
    try:
        yield
    except _CONFLICTS as error:
        raise DatabaseConflictError(f"another transaction was in the way: {error}".strip()) from error
    except pg.DiskFull as error:
        raise DatabaseUnavailableError(f"PostgreSQL's disk is full: make room, then run again ({error})") from error
    except _OUTAGES as error:
        raise DatabaseUnavailableError(f"PostgreSQL cannot serve now: {error}".strip()) from error
    except psycopg.OperationalError as error:
        if error.sqlstate is None or error.sqlstate.startswith("08"):
            raise DatabaseUnavailableError(f"the connection to PostgreSQL was lost: {error}".strip()) from error
        raise


class ConnectionHolder:
    """The one connection of an execution environment, opened when first used and replaced when it is broken.

    It is replaced too when the server has ended it, and when it was idle for long: then that may not have been heard of
    while Lambda kept the process frozen.
    """

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._used_at = 0.0

    @contextmanager
    def transaction(self, settings: DatabaseSettings) -> Iterator[Connection]:
        """A transaction on this connection: committed at the end, rolled back on any error.

        Raises TransientError when another try may help; the connection is then dropped.
        """
        with self.session(settings) as connection, connection.transaction():
            yield connection

    @contextmanager
    def session(self, settings: DatabaseSettings) -> Iterator[Connection]:
        """This connection, for transactions that the caller begins and ends. Raises as `transaction` does."""
        with transient_errors_named():
            if self._connection is not None and self._has_ended(self._connection):
                self._connection.close()
            if self._connection is None or self._connection.closed:
                self._connection = connect(settings)
            try:
                yield self._connection
            except psycopg.OperationalError:
                self._connection.close()
                self._connection = None
                raise
            finally:
                self._used_at = time.time()

    def _has_ended(self, connection: Connection) -> bool:
        """A server says nothing on an idle connection but that it ends it."""
        if connection.closed or time.time() - self._used_at > IDLE_SECONDS / 2:
            return True
        readable = select.poll()
        readable.register(connection.fileno(), select.POLLIN)
        return bool(readable.poll(0))
