"""How many keys a batch of a table's load has, and when another call must go on."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from functions.load.time_left import SecondsLeft
from functions.load.vault.key_range import KEYS_END

BATCH_ROWS = 10_000_000
"""A batch of a first load this large takes about a minute on two cores (docs/benchmarks.md)."""

BATCH_LIMIT_SECONDS = 240
"""A statement of a batch that takes longer is cancelled, and done again with half as many keys."""

BATCH_RESERVE_SECONDS = 360
"""What must be left of the function's time (Lambda's limit is 900 seconds) for another batch to begin."""

_BATCH_OF_FEW = 500
"""A batch has so many times the rows of a load that is done in one transaction."""


def are_few(rows: int) -> bool:
    """Whether all tables of a load with so many rows may be one transaction."""
    return rows * _BATCH_OF_FEW <= BATCH_ROWS


class Pace:
    """Chooses the width of batches; learns from those that took too long."""

    def __init__(self, seconds_left: SecondsLeft) -> None:
        self._seconds_left = seconds_left
        self._is_first = True
        self._table = ""
        self._width = KEYS_END
        self._narrowed: dict[str, int] = {}

    def is_time_up(self) -> bool:
        """Whether no other batch may begin; the first with anything to do always may, so that every call gets on."""
        return not self._is_first and self._seconds_left() < BATCH_RESERVE_SECONDS

    def width(self, table: str, rows: int, width_before: int | None) -> int:
        """How many of the KEYS_END keys the next batch of a table is to have, of objects with so many rows.

        `width_before`: what earlier batches had, which another call may have narrowed; None when there were none.
        """
        self._is_first = False
        width = math.ceil(KEYS_END / max(1, math.ceil(rows / BATCH_ROWS)))
        if width_before is not None:
            width = min(width, width_before)
        self._table, self._width = table, min(width, self._narrowed.get(table, width))
        return self._width

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Around a batch, outside its transaction: when it takes too long, the next ones are half as wide."""
        began = time.monotonic()
        try:
            yield
        except psycopg.errors.QueryCanceled:
            if time.monotonic() - began < BATCH_LIMIT_SECONDS or self._width == 1:
                raise
            self._narrowed[self._table] = self._width // 2
