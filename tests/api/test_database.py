"""The API and a database in trouble: lost connections, an outage, slow statements, too much at once."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from psycopg import sql

from functions.api import database
from functions.api.app import create_app
from functions.common.database import sign_in
from local.servers.postgres import PostgresServer
from tests.support.served_api import PASSWORD, as_role, served, settings_for
from tests.support.waking_server import waking


@pytest.fixture
def admin_url(changing_url: str) -> str:
    """The administrator's URL of a database that no other app is connected to."""
    return changing_url


@pytest.fixture
def api_url(changing_url: str) -> str:
    return as_role(changing_url, "c360_api", PASSWORD)


@pytest.fixture
def app(api_url: str) -> FastAPI:
    """An app of the test's own, with no connection yet."""
    return create_app(settings_for(api_url))


@pytest.fixture
def client(app: FastAPI) -> Iterator[httpx.Client]:
    with served(app) as client:
        yield client


def _connections(admin: psycopg.Connection) -> list[int]:
    rows = admin.execute("select pid from pg_stat_activity where usename = 'c360_api' and datname = current_database()")
    return [pid for (pid,) in rows]


def test_requests_one_after_another_share_one_connection(client: httpx.Client, admin_url: str) -> None:
    for _ in range(20):
        assert client.get("/customers/C0001").status_code == 200
    with psycopg.connect(admin_url) as admin:
        assert len(_connections(admin)) == 1


SESSION = ("timezone", "datestyle", "default_transaction_read_only", "statement_timeout", "lock_timeout")


@pytest.mark.parametrize("is_pooled", [False, True])
def test_a_session_is_the_same_through_a_proxy_that_takes_no_settings(api_url: str, is_pooled: bool) -> None:
    """RDS Proxy refuses settings with the sign-in ("RDS Proxy limitations": command-line options)."""
    settings = settings_for(api_url).model_copy(update={"database_pooled": is_pooled})
    assert ("options" in sign_in(settings)) is not is_pooled
    pool = database.Database(settings)

    async def shown() -> list[str]:
        try:
            return [str((await pool.read_row(f"show {name}".encode()))[0]) for name in SESSION for _ in range(6)][::6]
        finally:
            await pool.close()

    async def prepared() -> int:
        try:
            for _ in range(8):
                [count] = await pool.read_row(b"select count(*) from pg_prepared_statements")
            return int(count)
        finally:
            await pool.close()

    assert asyncio.run(shown()) == ["UTC", "ISO, YMD", "on", "5s", "2s"]
    if is_pooled:
        assert asyncio.run(prepared()) == 0, "the proxy would keep the connection for this client alone"


def test_a_connection_killed_by_the_server_is_replaced_unnoticed(client: httpx.Client, admin_url: str) -> None:
    assert client.get("/customers/C0001").status_code == 200
    with psycopg.connect(admin_url, autocommit=True) as admin:
        (before,) = _connections(admin)
        admin.execute("select pg_terminate_backend(%s, 5000)", [before])
        assert client.get("/customers/C0001").json()["customer_id"] == "C0001"
        (after,) = _connections(admin)
    assert after != before


def test_a_database_that_is_down_is_503_within_a_second_and_healthz_stays_up(api_url: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        parts = urlsplit(api_url)
        user = parts.netloc.rpartition("@")[0]
        nowhere = urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{unused.getsockname()[1]}"))
        with served(create_app(settings_for(nowhere))) as client:
            began = time.monotonic()
            answer = client.get("/customers/C0001")
            assert time.monotonic() - began < 1
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["content-type"] == "application/problem+json"
            assert "127.0.0.1" not in answer.text
            assert client.get("/healthz").json() == {"status": "ok"}


def test_a_database_that_does_not_answer_is_503_within_three_seconds(api_url: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        parts = urlsplit(api_url)
        user = parts.netloc.rpartition("@")[0]
        silent_url = urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{silent.getsockname()[1]}"))
        with served(create_app(settings_for(silent_url))) as client:
            began = time.monotonic()
            assert client.get("/orders").status_code == 503
            assert time.monotonic() - began < 3


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "silent"])
def test_a_paused_database_is_waited_for(api_url: str, silent: bool) -> None:
    parts = urlsplit(api_url)
    with waking(parts.port or 0, 4, silent=silent) as port:
        address = f"{parts.netloc.rpartition(':')[0]}:{port}"
        paused = urlunsplit(parts._replace(netloc=address))
        with served(create_app(settings_for(paused, database_wake_seconds=20))) as client:
            assert client.get("/customers/C0001", timeout=25).status_code == 200


def test_a_paused_database_that_does_not_wake_in_time_is_503(api_url: str) -> None:
    parts = urlsplit(api_url)
    with waking(parts.port or 0, 5, silent=True) as port:
        paused = urlunsplit(parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}"))
        with served(create_app(settings_for(paused, database_wake_seconds=2))) as client:
            began = time.monotonic()
            answer = client.get("/customers/C0001", timeout=25)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert time.monotonic() - began < 4


def test_a_statement_that_takes_too_long_is_503_and_the_connection_stays_usable(
    client: httpx.Client, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "STATEMENT_TIMEOUT_MILLISECONDS", 200)
    with psycopg.connect(admin_url) as admin:
        admin.execute("lock table business_vault.mart_customer_360 in access exclusive mode")
        answer = client.get("/customers/C0001")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert "too long" in answer.json()["detail"]
        (before,) = _connections(admin)
    assert client.get("/customers/C0001").status_code == 200
    with psycopg.connect(admin_url) as admin:
        assert _connections(admin) == [before]


def test_a_database_before_its_migrations_is_503(database_url: str) -> None:
    app = create_app(settings_for(database_url))
    with served(app) as client:
        answer = client.get("/products")
        assert answer.status_code == 503
        assert "set up" in answer.json()["detail"]


def test_more_requests_at_once_than_connections_all_succeed(
    client: httpx.Client, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_FOR_CONNECTION_SECONDS", 60)  # on a slow machine too
    with ThreadPoolExecutor(24) as threads:
        answers = list(threads.map(lambda _: client.get("/orders?limit=200").status_code, range(96)))
    assert set(answers) == {200}
    with psycopg.connect(admin_url) as admin:
        assert 1 <= len(_connections(admin)) <= 4


def test_the_apis_session_and_role_cannot_write(app: FastAPI, api_url: str) -> None:
    async def write() -> None:
        try:
            await app.state.database.read_row(b"create temporary table t (a int)")
        finally:
            await app.state.database.close()

    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        asyncio.run(write())
    writing = "-c default_transaction_read_only=off"
    with psycopg.connect(api_url, autocommit=True, options=writing) as connection:
        for statement in (
            "delete from business_vault.mart_customer_360",
            "insert into business_vault.vw_order_analytics (transaction_id) values ('x')",
            "update business_vault.vw_product_analytics set price = 0",
            "truncate business_vault.mart_order_line",
            "create table business_vault.t (a int)",
            "create table public.t (a int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_a_failover_is_503_and_then_well_again_without_a_restart(
    changing: httpx.Client, changing_url: str, postgres_server: PostgresServer
) -> None:
    assert changing.get("/customers/C0001").status_code == 200
    name = sql.Identifier(urlsplit(changing_url).path.removeprefix("/"))
    with psycopg.connect(postgres_server.url_for("postgres"), autocommit=True) as server:
        server.execute(sql.SQL("alter database {} allow_connections false").format(name))
        server.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'c360_api'")
        for path in ("/customers/C0001", "/orders", "/readyz"):
            began = time.monotonic()
            answer = changing.get(path)
            assert time.monotonic() - began < 1
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        server.execute(sql.SQL("alter database {} allow_connections true").format(name))
        for path in ("/customers/C0001", "/orders", "/readyz"):
            assert changing.get(path).status_code == 200


def test_every_connection_may_be_lost_at_once(client: httpx.Client, admin_url: str) -> None:
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: client.get("/orders?limit=200").status_code, range(24)))
    with psycopg.connect(admin_url, autocommit=True) as admin:
        before = _connections(admin)
        for pid in before:
            admin.execute("select pg_terminate_backend(%s, 5000)", [pid])
    for _ in range(len(before) + 1):
        assert client.get("/customers/C0001").status_code == 200


def test_a_connection_that_falls_silent_is_given_up_for_another(
    client: httpx.Client, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ANSWER_SECONDS", 0.3)
    assert client.get("/customers/C0001").status_code == 200
    with psycopg.connect(admin_url, autocommit=True) as admin:
        (silent,) = _connections(admin)
        os.kill(silent, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert client.get("/customers/C0002").status_code == 200, "a second try is on a new connection"
            assert 0.3 < time.monotonic() - began < 2
            began = time.monotonic()
            assert client.get("/customers/C0001").status_code == 200
            assert time.monotonic() - began < 0.3
        finally:
            os.kill(silent, signal.SIGCONT)
