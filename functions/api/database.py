"""Connections to PostgreSQL, kept open between requests, that only read unless a query is said to write.

In Lambda an execution environment serves one request at a time, so it holds one connection; the requests that
uvicorn serves at once share a few. Nothing is opened before the first query.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from functions.api.errors import CostlyBusyError
from functions.api.places import Places
from functions.api.prepared import PreparedStatements, Row
from functions.audit.chain import APPEND
from functions.common.database import WAKING_PAUSE_SECONDS, sign_in, transient_errors_named
from functions.common.errors import DatabaseUnavailableError
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings

CONNECT_SECONDS = 0.9
WAKING_CONNECT_SECONDS = 10.0
STATEMENT_TIMEOUT_MILLISECONDS = 5_000
LOCK_TIMEOUT_MILLISECONDS = 2_000
ANSWER_SECONDS = 8.0
LOST_HOST_MILLISECONDS = 3_000
WAIT_FOR_CONNECTION_SECONDS = 2.0
MOST_COSTLY = 1
WAIT_FOR_COSTLY_SECONDS = 1.0

_TAKE_SLOT = b"select metadata.take_costly_slot()"
_COSTLY_SESSION = b"""
set transaction read write; -- a slot is a row that is locked
set local synchronous_commit = off;
set local max_parallel_workers_per_gather = 0;
set local jit = off; -- compiling takes longer than a page
set local plan_cache_mode = force_custom_plan
"""


@dataclass(frozen=True, slots=True)
class _Session:
    """A connection, and what is prepared on it."""

    connection: psycopg.AsyncConnection[Row]
    statements: PreparedStatements


class Database:
    """At most the settings' `database_connections`, each used by one query at a time; all on one event loop.

    A costly query reads more than its answer holds. `MOST_COSTLY` of them at a time leave the other connections to
    others, and all processes of the API together run as many as `metadata.costly_slot` has rows.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._idle: list[_Session] = []
        self._places = Places(settings.database_connections, WAIT_FOR_CONNECTION_SECONDS, DatabaseUnavailableError)
        self._costly_places = Places(MOST_COSTLY, WAIT_FOR_COSTLY_SECONDS, CostlyBusyError)

    async def read_row(self, query: bytes, parameters: Mapping[str, Any] | None = None, *, costly: bool = False) -> Row:
        """The first row of `query`, which must return one; see `read_rows`."""
        rows = await self.read_rows(query, parameters, costly=costly)
        if not rows:
            raise LookupError("the query returned no row")
        return rows[0]

    async def read_rows(
        self, query: bytes, parameters: Mapping[str, Any] | None = None, *, costly: bool = False
    ) -> list[Row]:
        """All rows of `query`.

        A connection that was lost since its last use is replaced and the query, which only reads, is sent once
        more. Raises DatabaseUnavailableError when the database cannot be reached within `CONNECT_SECONDS` (where it
        may be paused, within the settings' `database_wake_seconds`) or all connections stay busy,
        psycopg.errors.QueryCanceled after `STATEMENT_TIMEOUT_MILLISECONDS`, DatabaseConflictError when a lock, such
        as a migration's, is in the way for `LOCK_TIMEOUT_MILLISECONDS`; CostlyBusyError when it is `costly` and others
        are run now.
        """
        if not costly:
            return await self._on_connection(lambda each: self._read(each, query, parameters))
        async with self._costly_places:
            return await self._on_connection(lambda each: self._query_costly(each, query, parameters))

    async def append_audit(self, contents: str) -> None:
        """Commit records (a JSON array) to the audit trail.

        Again when the connection was lost: at worst a record is there twice. Raises as `read_rows` does.
        """
        await self._on_connection(lambda each: self._append(each, contents))

    async def _on_connection[T](self, use: Callable[[_Session], Awaitable[T]]) -> T:
        """What `use` returns; it is used once more, on a new connection, when the one at hand was lost."""
        async with self._places:
            if self._idle:
                try:
                    return await use(self._idle.pop())
                except DatabaseUnavailableError as error:
                    logger.warning("connection lost, opening another", error=str(error))
                    await self.close()
            return await use(await self._open())

    async def _append(self, session: _Session, contents: str) -> None:
        async with self._used(session) as connection, connection.pipeline():
            await connection.execute(b"begin read write")
            await connection.execute(APPEND, {"contents": contents})
            await connection.execute(b"commit")

    async def write_row(self, query: bytes, parameters: Mapping[str, Any]) -> Row:
        """The first row that `query`, which writes, returns; see `write_rows`."""
        rows = await self.write_rows(query, parameters)
        if not rows:
            raise LookupError("the query returned no row")
        return rows[0]

    async def write_rows(self, query: bytes, parameters: Mapping[str, Any]) -> list[Row]:
        """All rows that `query`, which writes, returns. It is sent once: whether a lost one was done is not known.

        Raises as `read_rows` does.
        """
        async with self._places:
            if self._idle:
                await self._idle.pop().connection.close()  # it may be lost, and a write must not be the first to notice
            return await self._write(await self._open(), query, parameters)

    async def close(self) -> None:
        """Close the connections that nobody uses now; the next query opens a new one."""
        while self._idle:
            await self._idle.pop().connection.close()

    async def _open(self) -> _Session:
        """A new connection; where the server may be paused, it is waited for."""
        patience = self._settings.database_wake_seconds
        if not patience:
            return await self._connect(CONNECT_SECONDS)
        clock = asyncio.get_running_loop().time
        give_up_at = clock() + patience
        while True:
            try:
                return await self._connect(min(WAKING_CONNECT_SECONDS, give_up_at - clock()))
            except DatabaseUnavailableError:
                if clock() + WAKING_PAUSE_SECONDS >= give_up_at:
                    raise
            await asyncio.sleep(WAKING_PAUSE_SECONDS)

    async def _connect(self, seconds: float) -> _Session:
        # signing in may ask Secrets Manager, which blocks: not on the loop
        session = await asyncio.to_thread(sign_in, self._settings)
        session |= {"application_name": "c360-api", "tcp_user_timeout": LOST_HOST_MILLISECONDS}
        if "options" in session:  # else the role c360_api has the same settings (sql/roles/grants.sql)
            session["options"] += (
                f" -c default_transaction_read_only=on -c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS}"
                f" -c lock_timeout={LOCK_TIMEOUT_MILLISECONDS}"
            )
        try:
            async with asyncio.timeout(seconds):
                connection = await psycopg.AsyncConnection.connect(**session, autocommit=True)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailableError(f"cannot connect to PostgreSQL: {error}".strip()) from error
        except TimeoutError:
            raise DatabaseUnavailableError("PostgreSQL does not answer") from None
        return _Session(connection, PreparedStatements(connection))

    async def _read(self, session: _Session, query: bytes, parameters: Mapping[str, Any] | None) -> list[Row]:
        # what most requests pass through: without the context managers of the others
        watch = asyncio.get_running_loop().call_later(ANSWER_SECONDS, _hang_up, session.connection)
        try:
            return await session.statements.rows(query, parameters)
        except psycopg.Error:
            with transient_errors_named():
                raise
        finally:
            watch.cancel()
            await self._lay_aside(session)

    async def _write(self, session: _Session, query: bytes, parameters: Mapping[str, Any]) -> list[Row]:
        async with self._used(session) as connection, connection.transaction():
            await connection.execute("set transaction read write")
            return await (await connection.execute(query, parameters)).fetchall()

    async def _query_costly(self, session: _Session, query: bytes, parameters: Mapping[str, Any] | None) -> list[Row]:
        async with self._used(session) as connection, connection.transaction():
            await connection.execute(_COSTLY_SESSION)
            [is_free] = await (await connection.execute(_TAKE_SLOT)).fetchone() or (False,)
            if not is_free:
                raise CostlyBusyError("all of metadata.costly_slot is taken")
            await connection.execute("set transaction read only")
            return await (await connection.execute(query, parameters)).fetchall()

    @contextlib.asynccontextmanager
    async def _used(self, session: _Session) -> AsyncIterator[psycopg.AsyncConnection[Row]]:
        """Use the connection and lay it aside, unless it broke; end its line when the server stays silent."""
        # not by cancelling, for which psycopg would ask the silent server for up to five seconds
        watch = asyncio.get_running_loop().call_later(ANSWER_SECONDS, _hang_up, session.connection)
        try:
            with transient_errors_named():
                yield session.connection
        finally:
            watch.cancel()
            await self._lay_aside(session)

    async def _lay_aside(self, session: _Session) -> None:
        """Keep the connection for the next, unless it broke or was left before its answer came."""
        if session.connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self._idle.append(session)
        else:
            await session.connection.close()


def _hang_up(connection: psycopg.AsyncConnection[Row]) -> None:
    """Shut the socket down, so that a caller who waits for an answer gets an error at once."""
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.pgconn.socket)) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
