"""Statements sent through libpq: values and errors as through a cursor of psycopg, prepared when they come again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import uvloop
from psycopg import errors as pg

from functions.api import prepared
from functions.api.prepared import PreparedStatements
from local.servers.postgres import PostgresServer
from tests.support.database import fresh_database

type Use = Callable[[psycopg.AsyncConnection[tuple[Any, ...]], PreparedStatements], Awaitable[None]]

_NAMES = b"select array_agg(name order by name) from pg_prepared_statements where name like 'read%%'"


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> Iterator[str]:
    with fresh_database(postgres_server) as url:
        yield url


def _run(url: str, use: Use, loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop) -> None:
    async def run() -> None:
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await use(connection, PreparedStatements(connection))

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(run())


def test_values_come_and_go_as_through_a_cursor(url: str) -> None:
    query = b"""
        select
            %(text)s::text, %(number)s::bigint, %(amount)s::numeric, %(at)s::timestamptz, %(none)s::text,
            %(texts)s::text [], %(flag)s::boolean, %(text)s::text || ' 100%%', repeat(%(text)s::text, 50000)
    """
    values = {
        "text": "Zoë; '%s'", "number": 2**40, "amount": Decimal("12.340"), "at": datetime(2026, 1, 2, tzinfo=UTC),
        "none": None, "texts": ["a", 'b"', ""], "flag": True,
    }  # fmt: skip

    async def use(connection: psycopg.AsyncConnection[tuple[Any, ...]], statements: PreparedStatements) -> None:
        by_cursor = await (await connection.execute(query, values)).fetchall()
        for _ in range(8):  # prepared from the sixth on
            assert await statements.rows(query, values) == by_cursor
        assert await statements.rows(b"select 1 % 2", None) == [(1,)]
        assert await statements.rows(b"select from generate_series(1, 3)", None) == [(), (), ()]
        assert await statements.rows(b"select 1 where false", {}) == []

    _run(url, use)


def test_a_statement_longer_than_the_line_takes_at_once_arrives(url: str) -> None:
    async def use(_: object, statements: PreparedStatements) -> None:
        text = "x" * 30_000_000
        assert await statements.rows(b"select length(%(text)s::text)", {"text": text}) == [(len(text),)]

    _run(url, use)
    _run(url, use, uvloop.new_event_loop)


def test_what_comes_again_is_prepared_and_only_so_much_of_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepared, "MOST_STATEMENTS", 3)

    async def use(connection: psycopg.AsyncConnection[tuple[Any, ...]], statements: PreparedStatements) -> None:
        for number in range(6):
            for _ in range(7):
                await statements.rows(b"select %d" % number, {})
        [(names,)] = await (await connection.execute(_NAMES.replace(b"%%", b"%"))).fetchall()
        assert names == ["read_4", "read_5", "read_6"]
        connection.prepare_threshold = None
        for _ in range(9):
            await statements.rows(b"select 8", {})
        [(names,)] = await (await connection.execute(_NAMES.replace(b"%%", b"%"))).fetchall()
        assert names == ["read_5", "read_6"]

    _run(url, use)


def test_a_refused_statement_is_told_and_prepared_anew(url: str) -> None:
    async def use(connection: psycopg.AsyncConnection[tuple[Any, ...]], statements: PreparedStatements) -> None:
        await connection.execute("create table shown (a int)")
        await connection.execute("insert into shown values (1)")
        for _ in range(7):
            assert await statements.rows(b"select * from shown", {}) == [(1,)]
        await connection.execute("alter table shown add b int")  # a migration
        with pytest.raises(pg.FeatureNotSupported):
            await statements.rows(b"select * from shown", {})
        for _ in range(7):
            assert await statements.rows(b"select * from shown", {}) == [(1, None)]
        with pytest.raises(pg.DivisionByZero):
            await statements.rows(b"select 1 / %(n)s::int", {"n": 0})
        assert await statements.rows(b"select 1 / %(n)s::int", {"n": 1}) == [(1,)]

    _run(url, use)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_lost_line_is_told_at_once(url: str, loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    async def use(connection: psycopg.AsyncConnection[tuple[Any, ...]], statements: PreparedStatements) -> None:
        async def end() -> None:
            await asyncio.sleep(0.2)
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
                await other.execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])

        ending = asyncio.create_task(end())
        for query in (b"select pg_sleep(20)", b"select 1"):
            async with asyncio.timeout(5):
                with pytest.raises(psycopg.OperationalError):
                    await statements.rows(query, None)
        await ending

    _run(url, use, loop)
