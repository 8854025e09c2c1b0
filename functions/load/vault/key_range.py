"""Ranges of hash keys, the batches of a table's load: what the ledger says of how far each object has come."""

from dataclasses import dataclass

from functions.common.database import Connection
from functions.common.sql_files import read_sql

KEYS_END = 1 << 16
_ABOVE_ALL = b"\xff" * 17  # a hash key has 16 bytes


@dataclass(frozen=True)
class KeyRange:
    """Hash keys whose first two bytes, as a number, lie from `low` (included) to `high` (excluded)."""

    low: int = 0
    high: int = KEYS_END

    @property
    def is_whole(self) -> bool:
        """Whether it has every key."""
        return (self.low, self.high) == (0, KEYS_END)

    @property
    def share(self) -> float:
        """Its part of all keys; as hash keys are spread evenly, of the rows too."""
        return (self.high - self.low) / KEYS_END

    def bounds(self) -> dict[str, bytes]:
        """The parameters `low` and `high` of a statement."""
        high = _ABOVE_ALL if self.high == KEYS_END else self.high.to_bytes(2, "big")
        return {"low": self.low.to_bytes(2, "big"), "high": high}


@dataclass(frozen=True)
class Unfinished:
    """Objects that a table holds, or counts no longer, up to the same key `low`; no other is at one below `before`.

    `width`: how many keys each batch had, on average, that brought it there; None at the first key.
    """

    object_ids: list[int]
    retracted: list[int]
    low: int
    before: int
    width: int | None


def unfinished(connection: Connection, table: str, source: str, staged: list[int]) -> Unfinished | None:
    """Those objects of a source that the table has taken the fewest keys of; None when it has taken all of all."""
    rows = connection.execute(
        read_sql("load/unfinished_of_table.sql"), {"table": table, "source": source, "staged": staged}
    ).fetchall()
    if not rows:
        return None
    low = min(below for _, below, _, _ in rows)
    return Unfinished(
        [object_id for object_id, below, _, is_retracted in rows if below == low and not is_retracted],
        [object_id for object_id, below, _, is_retracted in rows if below == low and is_retracted],
        low,
        min((below for _, below, _, _ in rows if below > low), default=KEYS_END),
        max(1, low // max(batches for _, below, batches, _ in rows if below == low)) if low else None,
    )


def record_done(connection: Connection, table: str, todo: Unfinished, high: int) -> None:
    """Note that the table has taken these objects, new or retracted, up to the key `high`."""
    below = None if high == KEYS_END else high
    for statement, object_ids in (
        ("load/record_loaded_below.sql", todo.object_ids),
        ("load/record_retracted_below.sql", todo.retracted),
    ):
        if object_ids:
            connection.execute(read_sql(statement), {"table": table, "object_ids": object_ids, "below": below})
