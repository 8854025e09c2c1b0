"""The way to PostgreSQL: sessions are alike everywhere, and only what another try may cure is called transient."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import psycopg
import pytest
from botocore.exceptions import ClientError
from psycopg import errors as pg
from psycopg.conninfo import make_conninfo

from functions.common.database import IDLE_SECONDS, ConnectionHolder, connect, transient_errors_named
from functions.common.errors import DatabaseConflictError, DatabaseUnavailableError
from functions.common.settings import DatabaseSettings
from local.processes import free_port
from tests.support.connection_holder import ClosingHolder
from tests.support.waking_server import waking

SECRET = DatabaseSettings(
    database_host="127.0.0.1", database_user="c360_loader", database_secret_arn="arn", database_ssl_mode="disable"
)


def at(url: str) -> DatabaseSettings:
    return DatabaseSettings.model_validate({"database_url": url})


def test_every_session_has_the_same_time_zone_and_date_style(database_url: str) -> None:
    with connect(at(database_url)) as connection:
        shown = [connection.execute(f"show {name}".encode()).fetchone() for name in ("timezone", "datestyle")]
        assert shown == [("UTC",), ("ISO, YMD",)]
        assert not connection.autocommit


def test_a_server_that_is_not_there_is_worth_another_try() -> None:
    with pytest.raises(DatabaseUnavailableError):
        connect(at(f"postgresql://nobody@127.0.0.1:{free_port()}/c360"), connect_timeout=2)


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "silent"])
def test_a_paused_server_is_waited_for(database_url: str, silent: bool) -> None:
    port = urlsplit(database_url).port or 0
    with waking(port, 6, silent=silent) as waking_port:
        url = make_conninfo(database_url, port=waking_port)
        with pytest.raises(DatabaseUnavailableError):  # where none is ever paused, nobody waits
            connect(at(url), connect_timeout=2)
        patient = DatabaseSettings.model_validate({"database_url": url, "database_wake_seconds": 30})
        with connect(patient, connect_timeout=2) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
            assert connection.execute("show idle_session_timeout").fetchone() == ("4min",), "an idle one keeps it awake"


def test_a_server_that_stays_away_is_given_up_when_it_should_be_awake() -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/c360"
    settings = DatabaseSettings.model_validate({"database_url": url, "database_wake_seconds": 1.5})
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailableError):
        connect(settings)
    assert 1 <= time.monotonic() - began < 4


def test_a_connection_that_was_idle_for_long_is_replaced(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server ends idle sessions, which a function that was frozen meanwhile does not notice."""
    holder = ClosingHolder()
    with holder.transaction(at(database_url)) as connection:
        first = connection.info.backend_pid
    later = time.time() + IDLE_SECONDS
    monkeypatch.setattr(time, "time", lambda: later)
    with holder.transaction(at(database_url)) as connection:
        assert connection.info.backend_pid != first
    holder.close()


@pytest.mark.parametrize(
    "failure",
    [
        pg.AdminShutdown(),
        pg.CrashShutdown(),
        pg.CannotConnectNow(),
        pg.TooManyConnections(),
        pg.DiskFull(),
        pg.OutOfMemory(),
        pg.ConnectionFailure(),
        psycopg.OperationalError("server closed the connection unexpectedly"),
    ],
)
def test_an_outage_is_worth_another_try(failure: Exception) -> None:
    with pytest.raises(DatabaseUnavailableError), transient_errors_named():
        raise failure


def test_a_role_at_its_limit_of_connections_is_worth_another_try(database_url: str) -> None:
    """Functions whose concurrency is not reserved can ask for more connections than their role may have."""
    with psycopg.connect(database_url, autocommit=True) as administrator:
        administrator.execute("create role narrow login password 'narrow' connection limit 1")
        narrow = make_conninfo(database_url, user="narrow", password="narrow")
        try:
            with psycopg.connect(narrow), pytest.raises(DatabaseUnavailableError, match="too many connections"):
                connect(at(narrow))
        finally:
            administrator.execute("drop role narrow")


@pytest.mark.parametrize("failure", [pg.DeadlockDetected(), pg.SerializationFailure(), pg.LockNotAvailable()])
def test_a_conflict_is_worth_another_try(failure: Exception) -> None:
    with pytest.raises(DatabaseConflictError), transient_errors_named():
        raise failure


@pytest.mark.parametrize(
    "failure", [pg.QueryCanceled(), pg.ProgramLimitExceeded(), pg.UndefinedTable(), pg.UniqueViolation(), KeyError()]
)
def test_what_would_fail_again_passes_as_it_is(failure: Exception) -> None:
    with pytest.raises(type(failure)), transient_errors_named():
        raise failure


def test_the_connection_is_kept_between_transactions_and_replaced_when_the_server_ended_it(
    database_url: str,
) -> None:
    holder = ConnectionHolder()
    settings = at(database_url)
    with holder.transaction(settings) as connection:
        connection.execute("create table kept (n int)")
        first = connection.info.backend_pid
    with holder.transaction(settings) as connection:
        assert connection.info.backend_pid == first
    with psycopg.connect(database_url) as killer:
        killer.execute("select pg_terminate_backend(%s, 5000)", (first,))
    with holder.transaction(settings) as connection:
        second = connection.info.backend_pid
        assert second != first
    with pytest.raises(DatabaseUnavailableError), holder.transaction(settings) as connection:
        connection.execute("with killed as (insert into kept values (1)) select pg_terminate_backend(pg_backend_pid())")
    with holder.transaction(settings) as connection:
        assert connection.info.backend_pid != second
        assert connection.execute("select count(*) from kept").fetchone() == (0,)
    connection.close()


def test_a_transaction_that_raises_leaves_nothing_behind(database_url: str) -> None:
    holder = ConnectionHolder()

    def half_a_step() -> None:
        with holder.transaction(at(database_url)) as connection:
            connection.execute("create table half (n int)")
            raise KeyError

    with pytest.raises(KeyError):
        half_a_step()
    with holder.transaction(at(database_url)) as connection:
        assert connection.execute("select to_regclass('half')").fetchone() == (None,)
    connection.close()


@pytest.fixture
def secrets_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, bytes]]]:
    """Secrets Manager on loopback that gives the last answer of the list."""
    answers: list[tuple[int, bytes]] = []

    class Answering(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = answers[-1]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield answers
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "answer", [(500, b"{}"), (503, b"{}"), (400, b'{"__type": "ThrottlingException", "message": "slow down"}')]
)
def test_a_secret_that_cannot_be_had_now_is_worth_another_try(
    secrets_manager: list[tuple[int, bytes]], answer: tuple[int, bytes]
) -> None:
    secrets_manager.append(answer)
    with pytest.raises(DatabaseUnavailableError, match="Secrets Manager"):
        connect(SECRET)


def test_a_secret_that_does_not_exist_is_no_transient_failure(secrets_manager: list[tuple[int, bytes]]) -> None:
    secrets_manager.append((400, b'{"__type": "ResourceNotFoundException", "message": "no such secret"}'))
    with pytest.raises(ClientError, match="no such secret"):
        connect(SECRET)


def test_secrets_manager_that_nobody_serves_is_worth_another_try(
    secrets_manager: list[tuple[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(DatabaseUnavailableError, match="Secrets Manager"):
        connect(SECRET)


def test_a_full_disk_is_called_what_it_is_and_worth_another_try(database_url: str) -> None:
    with (
        pytest.raises(DatabaseUnavailableError, match="disk is full: make room"),
        transient_errors_named(),
        psycopg.connect(database_url) as connection,
    ):
        connection.execute("do $$ begin raise 'could not extend file' using errcode = '53100'; end $$")
