"""Connections to PostgreSQL, kept open between requests, that only read unless a query is said to write.

In Lambda an execution environment serves one request at a time, so it holds one connection; the requests that
uvicorn serves at once share a few. Nothing is opened before the first query.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

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
MOST_CONNECTIONS = 4
WAIT_FOR_CONNECTION_SECONDS = 2.0

type AsyncConnection = psycopg.AsyncConnection[tuple[Any, ...]]
type Row = tuple[Any, ...]


class Database:
    """At most `MOST_CONNECTIONS` connections, each used by one query at a time; all on one event loop."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._idle: list[AsyncConnection] = []
        self._free = asyncio.Semaphore(MOST_CONNECTIONS)

    async def read_row(self, query: bytes, parameters: Mapping[str, Any] | None = None) -> Row:
        """The first row of `query`, which must return one; see `read_rows`."""
        rows = await self.read_rows(query, parameters)
        if not rows:
            raise LookupError("the query returned no row")
        return rows[0]

    async def read_rows(self, query: bytes, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """All rows of `query`.

        A connection that was lost since its last use is replaced and the query, which only reads, is sent once
        more. Raises DatabaseUnavailableError when the database cannot be reached within `CONNECT_SECONDS` (where it
        may be paused, within the settings' `database_wake_seconds`) or all connections stay busy,
        psycopg.errors.QueryCanceled after `STATEMENT_TIMEOUT_MILLISECONDS`, DatabaseConflictError when a lock, such
        as a migration's, is in the way for `LOCK_TIMEOUT_MILLISECONDS`.
        """
        await self._wait_for_connection()
        try:
            if self._idle:
                try:
                    return await self._query(self._idle.pop(), query, parameters)
                except DatabaseUnavailableError as error:
                    logger.warning("connection lost, opening another", error=str(error))
                    await self.close()
            return await self._query(await self._open(), query, parameters)
        finally:
            self._free.release()

    async def append_audit(self, contents: str) -> None:
        """Commit records (a JSON array) to the audit trail.

        Again when the connection was lost: at worst a record is there twice. Raises as `read_rows` does.
        """
        await self._wait_for_connection()
        try:
            if self._idle:
                try:
                    return await self._append(self._idle.pop(), contents)
                except DatabaseUnavailableError as error:
                    logger.warning("connection lost, opening another", error=str(error))
                    await self.close()
            return await self._append(await self._open(), contents)
        finally:
            self._free.release()

    async def _append(self, connection: AsyncConnection, contents: str) -> None:
        async with self._used(connection), connection.pipeline():
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
        await self._wait_for_connection()
        try:
            if self._idle:
                await self._idle.pop().close()  # it may be lost, and a write must not be the first to notice
            return await self._query(await self._open(), query, parameters, writes=True)
        finally:
            self._free.release()

    async def _wait_for_connection(self) -> None:
        try:
            async with asyncio.timeout(WAIT_FOR_CONNECTION_SECONDS if self._free.locked() else None):
                await self._free.acquire()
        except TimeoutError:
            raise DatabaseUnavailableError("all connections of the API are busy") from None

    async def close(self) -> None:
        """Close the connections that nobody uses now; the next query opens a new one."""
        while self._idle:
            await self._idle.pop().close()

    async def _open(self) -> AsyncConnection:
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

    async def _connect(self, seconds: float) -> AsyncConnection:
        # signing in may ask Secrets Manager, which blocks: not on the loop
        session = await asyncio.to_thread(sign_in, self._settings)
        session |= {
            "application_name": "c360-api",
            "options": f"{session['options']} -c default_transaction_read_only=on"
            f" -c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS} -c lock_timeout={LOCK_TIMEOUT_MILLISECONDS}",
            "tcp_user_timeout": LOST_HOST_MILLISECONDS,
        }
        try:
            async with asyncio.timeout(seconds):
                return await psycopg.AsyncConnection.connect(**session, autocommit=True)
        except psycopg.OperationalError as error:
            raise DatabaseUnavailableError(f"cannot connect to PostgreSQL: {error}".strip()) from error
        except TimeoutError:
            raise DatabaseUnavailableError("PostgreSQL does not answer") from None

    async def _query(
        self,
        connection: AsyncConnection,
        query: bytes,
        parameters: Mapping[str, Any] | None,
        *,
        writes: bool = False,
    ) -> list[Row]:
        async with self._used(connection):
            if writes:
                async with connection.transaction():
                    await connection.execute("set transaction read write")
                    return await (await connection.execute(query, parameters)).fetchall()
            return await (await connection.execute(query, parameters)).fetchall()

    @contextlib.asynccontextmanager
    async def _used(self, connection: AsyncConnection) -> AsyncIterator[None]:
        """Use the connection and lay it aside, unless it broke; end its line when the server stays silent."""
        # not by cancelling, for which psycopg would ask the silent server for up to five seconds
        watch = asyncio.get_running_loop().call_later(ANSWER_SECONDS, _hang_up, connection)
        try:
            with transient_errors_named():
                yield
        finally:
            watch.cancel()
            if connection.broken or connection.info.transaction_status is TransactionStatus.INERROR:
                await connection.close()
            elif not connection.closed:
                self._idle.append(connection)


def _hang_up(connection: AsyncConnection) -> None:
    """Shut the socket down, so that a caller who waits for an answer gets an error at once."""
    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.pgconn.socket)) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)
