"""Objects asked for by key: those that are asked for at the same time share a statement.

A statement costs the process and PostgreSQL several times what one more key in it does. Nobody is kept waiting for
others: who comes first is served at once, and those who come meanwhile share the next statement.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

from functions.api.database import Database

MOST_KEYS = 100
"""In one statement."""
STATEMENTS_AT_ONCE = 2
"""Of one kind; so that the process has something to do while PostgreSQL has."""

type Waiting = OrderedDict[str, asyncio.Future[str | None]]


class Together:
    """Reads objects as JSON; all on one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, Waiting] = {}
        self._reading: dict[Hashable, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, database: Database, statement: bytes, key: str, parameters: Mapping[str, Any]) -> str | None:
        """The object with this key, None when there is none.

        `statement` returns a row of key and JSON for each of %(keys)s that there is. Raises as `Database.read_rows`.
        """
        kind = (statement, *parameters.items())
        waiting = self._waiting.setdefault(kind, OrderedDict())
        answer = waiting.get(key)
        if answer is None:
            answer = waiting[key] = asyncio.get_running_loop().create_future()
        if self._reading.get(kind, 0) < STATEMENTS_AT_ONCE:
            self._reading[kind] = self._reading.get(kind, 0) + 1
            reading = asyncio.create_task(self._read_waiting(kind, database, statement, parameters))
            self._tasks.add(reading)
            reading.add_done_callback(self._tasks.discard)
        return await asyncio.shield(answer)

    async def _read_waiting(
        self, kind: Hashable, database: Database, statement: bytes, parameters: Mapping[str, Any]
    ) -> None:
        waiting = self._waiting[kind]
        while waiting:
            taken = dict([waiting.popitem(last=False) for _ in range(min(len(waiting), MOST_KEYS))])
            found: dict[str, str] = {}
            failure: Exception | None = None
            try:
                found = dict(await database.read_rows(statement, {"keys": list(taken), **parameters}))
            except Exception as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
                failure = error
            for key, answer in taken.items():
                if failure is None:
                    answer.set_result(found.get(key))
                else:
                    answer.set_exception(failure)
        self._reading[kind] -= 1
        if not self._reading[kind]:
            del self._reading[kind]
            del self._waiting[kind]
