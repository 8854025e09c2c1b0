"""Read-only connections to PostgreSQL, kept open between requests.

In Lambda an execution environment serves one request at a time, so it holds one connection; uvicorn's worker
threads share a few. Nothing is opened before the first query.
"""

from queue import Empty, LifoQueue
from threading import BoundedSemaphore
from typing import Any

from functions.common.database import Connection, connect, transient_errors_named
from functions.common.errors import DatabaseUnavailableError
from functions.common.logging import logger
from functions.common.settings import DatabaseSettings

CONNECT_TIMEOUT_SECONDS = 2
STATEMENT_TIMEOUT_MILLISECONDS = 5_000
MOST_CONNECTIONS = 8
WAIT_FOR_CONNECTION_SECONDS = 2.0

_SESSION = """
    select set_config('default_transaction_read_only', 'on', false),
           set_config('statement_timeout', %s, false),
           set_config('application_name', 'c360-api', false)
"""


class Database:
    """At most `MOST_CONNECTIONS` connections, each used by one query at a time. Safe to share between threads."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._idle: LifoQueue[Connection] = LifoQueue()
        self._free = BoundedSemaphore(MOST_CONNECTIONS)

    def read_row(self, query: bytes, parameters: dict[str, Any]) -> tuple[Any, ...]:
        """The first row of `query`, which must return one.

        A connection that was lost since its last use is replaced and the query, which only reads, is sent once
        more. Raises DatabaseUnavailableError when the database cannot be reached or all connections stay busy,
        psycopg.errors.QueryCanceled after `STATEMENT_TIMEOUT_MILLISECONDS`.
        """
        if not self._free.acquire(timeout=WAIT_FOR_CONNECTION_SECONDS):
            raise DatabaseUnavailableError("all connections of the API are busy")
        try:
            kept = self._take_idle()
            if kept is not None:
                try:
                    return self._query(kept, query, parameters)
                except DatabaseUnavailableError as error:
                    logger.warning("connection lost, opening another", error=str(error))
                    self.close()
            return self._query(self._open(), query, parameters)
        finally:
            self._free.release()

    def close(self) -> None:
        """Close the connections that nobody uses now; the next query opens a new one."""
        while (connection := self._take_idle()) is not None:
            connection.close()

    def _take_idle(self) -> Connection | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None

    def _open(self) -> Connection:
        connection = connect(self._settings, connect_timeout=CONNECT_TIMEOUT_SECONDS)
        with transient_errors_named():
            connection.autocommit = True
            connection.execute(_SESSION, [str(STATEMENT_TIMEOUT_MILLISECONDS)])
        return connection

    def _query(self, connection: Connection, query: bytes, parameters: dict[str, Any]) -> tuple[Any, ...]:
        try:
            with transient_errors_named():
                row = connection.execute(query, parameters).fetchone()
        finally:
            if connection.broken:
                connection.close()
            elif not connection.closed:
                self._idle.put(connection)
        if row is None:
            raise LookupError("the query returned no row")
        return row
