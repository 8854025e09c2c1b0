"""Answers kept in the process while the marts stay as they are.

The marts change once a night, in one transaction that also moves their watermark. So a total, a page or a metric
that was read under a watermark is still the database's answer while the database has that watermark, and asking for
the watermark costs a tenth of asking again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from psycopg import sql

from functions.api.database import Database

LIMIT_BYTES = 32 * 1024 * 1024

# all marts are published in one transaction
WATERMARK = sql.SQL("""
    select concat_ws(' ', run_id, extract(epoch from published_at))
    from metadata.mart_publication
    where mart = 'mart_customer_360'
""")

_WATERMARK = WATERMARK.as_bytes(None)


class Watermark:
    """What the marts' present contents are known by: asked for on every request, once for all that wait together.

    A request never takes the answer to a question that was put before it came, which may be older than what its
    caller has seen published; it shares the next one.
    """

    def __init__(self) -> None:
        self._asked: asyncio.Future[str | None] | None = None
        self._next: asyncio.Future[str | None] | None = None

    async def current(self, database: Database) -> str | None:
        """The watermark at some instant after this call; None before the first publication."""
        if self._next is None:
            self._next = asyncio.ensure_future(self._ask(database, self._asked))
        return await asyncio.shield(self._next)

    async def _ask(self, database: Database, before: asyncio.Future[str | None] | None) -> str | None:
        if before is not None:
            await asyncio.wait({before})
        self._asked, self._next = self._next, None
        rows = await database.read_rows(_WATERMARK)
        return rows[0][0] if rows else None


class Cache:
    """Values of one watermark, at most about `LIMIT_BYTES` of them; those not asked for lately go first."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self.watermark: str | None = None
        self._present = Watermark()

    async def current_watermark(self, database: Database) -> str | None:
        """What the marts' present contents are known by; None before the first publication."""
        return await self._present.current(database)

    def has(self, key: Hashable) -> bool:
        """Whether there is a value for `key`, true of `watermark`."""
        return key in self._values

    def get(self, key: Hashable, watermark: str | None) -> Any:
        """The value put under `key` and this watermark, or None."""
        if watermark is None or watermark != self.watermark or key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: Hashable, value: Any, watermark: str | None, size: int = 100) -> None:
        """Keep a value read under `watermark`, and forget those of any other. `size` is its bytes, about.

        The key's bytes count too: it holds the caller's filters.
        """
        size += _size(key)
        if watermark is None or size > LIMIT_BYTES // 10:
            return
        if watermark != self.watermark:
            self._values.clear()
            self._bytes = 0
            self.watermark = watermark
        _, replaced = self._values.pop(key, (None, 0))
        self._values[key] = (value, size)
        self._bytes += size - replaced
        while self._bytes > LIMIT_BYTES:
            _, (_, dropped) = self._values.popitem(last=False)
            self._bytes -= dropped


def _size(key: Hashable) -> int:
    """The bytes of a key, about: of the texts in it."""
    if isinstance(key, tuple):
        return sum(map(_size, key))
    return 2 * len(key) if isinstance(key, str) else 100
