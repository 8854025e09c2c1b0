"""Statements sent through libpq itself, and prepared when they come again.

A cursor of psycopg takes the process longer than everything else that a request passes through. What makes values of
rows, parameters of values and errors of refusals is psycopg's still.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

type Row = tuple[Any, ...]
type _Key = tuple[bytes, tuple[int, ...]]

MOST_STATEMENTS = 100
"""That a connection remembers, as psycopg's `prepared_max`."""
_BETWEEN_PIECES_SECONDS = 0.001
_LOOK_SECONDS = 0.1

_PLACEHOLDER = re.compile(rb"%(?:%|\((\w+)\)s)")
_ANSWERED = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)


class _Statement:
    """How often it was asked, and the name under which it is prepared."""

    __slots__ = ("name", "uses")

    def __init__(self) -> None:
        self.uses = 0
        self.name: bytes | None = None


class PreparedStatements:
    """Those of one connection in autocommit mode, which answers one statement at a time.

    Prepared is what was asked more often than the connection's `prepare_threshold`; nothing where that is None.
    """

    def __init__(self, connection: psycopg.AsyncConnection[Row]) -> None:
        self._connection = connection
        self._line = connection.pgconn
        self._transformer = Transformer(connection)
        self._statements: OrderedDict[_Key, _Statement] = OrderedDict()
        self._named = 0

    async def rows(self, query: bytes, parameters: Mapping[str, Any] | None) -> list[Row]:
        """All rows of the query, in which `%(name)s` stands for a parameter. Raises psycopg.Error.

        When it is cancelled while it waits for an answer, the connection is of no more use.
        """
        text, names = (query, ()) if parameters is None else _numbered(query)
        transformer = self._transformer
        values = transformer.dump_sequence(
            [parameters[name] for name in names] if parameters else (), [PyFormat.AUTO] * len(names)
        )
        formats = transformer.formats
        key = (text, transformer.types or ())
        statement = await self._statement(key)
        if statement.name is None:
            self._line.send_query_params(text, values, key[1], formats)
        else:
            self._line.send_query_prepared(statement.name, values, formats)
        try:
            result = await self._answer()
        except psycopg.Error:
            await self._forget(key)  # its plan may be of tables as they were before a migration
            raise
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    async def _statement(self, key: _Key) -> _Statement:
        statement = self._statements.setdefault(key, _Statement())
        self._statements.move_to_end(key)
        statement.uses += 1
        if statement.uses == 1 and len(self._statements) > MOST_STATEMENTS:
            await self._forget(next(iter(self._statements)))
        threshold = self._connection.prepare_threshold
        if statement.name is None and threshold is not None and statement.uses > threshold:
            self._named += 1
            name = b"read_%d" % self._named
            self._line.send_prepare(name, *key)
            await self._answer()
            statement.name = name
        return statement

    async def _forget(self, key: _Key) -> None:
        name = self._statements.pop(key).name
        if name is not None and not self._connection.broken:
            self._line.send_query(b"deallocate " + name)
            await self._answer()

    async def _answer(self) -> PGresult:
        """The result of what was sent. Raises psycopg.Error when the server refuses it or is lost."""
        line, loop = self._line, asyncio.get_running_loop()
        socket = line.socket  # a line that is lost has none
        answered: asyncio.Future[None] = loop.create_future()
        results: list[PGresult] = []
        look: asyncio.TimerHandle

        def receive() -> None:
            if answered.done():
                return
            try:
                line.consume_input()
                while not line.is_busy():
                    result = line.get_result()
                    if result is None:
                        answered.set_result(None)
                        return
                    results.append(result)
            except psycopg.Error as error:
                answered.set_exception(error)

        def look_again() -> None:
            """Where a reset line is forgotten by the event loop: uvloop tells nobody."""
            nonlocal look
            receive()
            if not answered.done():
                look = loop.call_later(_LOOK_SECONDS, look_again)

        look = loop.call_later(_LOOK_SECONDS, look_again)
        loop.add_reader(socket, receive)
        try:
            while line.flush():  # the server takes long statements in pieces
                await asyncio.sleep(_BETWEEN_PIECES_SECONDS)
            await answered
        finally:
            look.cancel()
            loop.remove_reader(socket)
        [result] = results
        if result.status not in _ANSWERED:
            raise error_from_result(result, encoding=self._connection.info.encoding)
        return result


@lru_cache(maxsize=1024)
def _numbered(query: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The query with `$1` for the first parameter named in it, and so on, and their names."""
    names: dict[str, int] = {}

    def number(found: re.Match[bytes]) -> bytes:
        if found[1] is None:
            return b"%"
        return b"$%d" % names.setdefault(found[1].decode(), len(names) + 1)

    return _PLACEHOLDER.sub(number, query), tuple(names)
