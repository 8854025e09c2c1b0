"""Events as they are stored, read once for all who listen.

Each listener by itself would ask PostgreSQL ten times a second: ten open dashboards took a tenth of a processor.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from functions.api.database import Database
from functions.api.security.masking import masked_column
from functions.common.errors import TransientError
from functions.common.sql_files import read_sql

EVENTS_LIMIT = 500
POLL_SECONDS = 0.1

# A batch is dated by its beginning and seen at its commit: look back far enough to miss none.
_OVERLAP = timedelta(seconds=10)

# Of the last week's partitions only. Amounts as everywhere in this API: exact, at least two decimals.
EVENTS_OF_WEEK = read_sql("api/events_of_week.sql").format(session_id=masked_column("session_id"))
_FRESH = (
    read_sql("api/fresh_events.sql")
    .format(events_of_week=EVENTS_OF_WEEK, fresh_batches=read_sql("api/fresh_batches.sql"))
    .as_bytes(None)
)


class Listener:
    """What one listener has not taken yet: of the events the newest `EVENTS_LIMIT`, and how many there are in all."""

    def __init__(self) -> None:
        self._items: deque[str] = deque(maxlen=EVENTS_LIMIT)
        self._total = 0
        self._changed = asyncio.Event()
        self._began = False
        self._failure: Exception | None = None

    def hear(self, total: int, items: list[str]) -> None:
        """Keep these events; what is there at the beginning is told by the total alone."""
        if self._began and not items:
            return
        if self._began:
            self._items.extend(items)
        self._began, self._total = True, total
        self._changed.set()

    def fail(self, failure: Exception) -> None:
        """Let `fresh` raise this."""
        self._failure = failure
        self._changed.set()

    async def fresh(self, seconds: float) -> tuple[int, list[str]] | None:
        """The total and the events since the last call, oldest first; None when nothing has come for so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        if not self._changed.is_set():
            return None
        if self._failure is not None:
            raise self._failure
        self._changed.clear()
        items = list(self._items)
        self._items.clear()
        return self._total, items


class Feed:
    """Asks for new events while somebody listens, once for those who may see persons and once for the others.

    All on one event loop. While the database is away, listeners wait.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[bool, set[Listener]] = {False: set(), True: set()}
        self._readers: dict[bool, asyncio.Task[None]] = {}

    @contextlib.contextmanager
    def listening(self, *, masked: bool) -> Iterator[Listener]:
        """A listener, from now on; `masked`: to events without what is personal."""
        listener = Listener()
        self._listeners[masked].add(listener)
        if masked not in self._readers:
            self._readers[masked] = asyncio.create_task(self._read(masked))
        try:
            yield listener
        finally:
            self._listeners[masked].discard(listener)

    async def _read(self, masked: bool) -> None:
        listeners = self._listeners[masked]
        seen: set[datetime] = set()
        try:
            while listeners:
                present = list(listeners)  # who comes while the answer is awaited may have missed what it tells
                latest = max(seen, default=None)
                seen = {batch for batch in seen if latest is None or batch > latest - _OVERLAP}
                of_batches = {"latest": latest, "overlap": _OVERLAP, "seen": list(seen)}
                with contextlib.suppress(TransientError):
                    total, batches, items = await self._database.read_row(
                        _FRESH, of_batches | {"limit": EVENTS_LIMIT, "masked": masked}
                    )
                    seen.update(batches)
                    for listener in present:
                        listener.hear(total, items)
                await asyncio.sleep(POLL_SECONDS)
        except Exception as failure:  # noqa: BLE001 - each of them gets it, whatever it is
            for listener in listeners:
                listener.fail(failure)
        finally:
            del self._readers[masked]
