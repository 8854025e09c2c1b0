"""Store a batch: a dozen set-based statements in the caller's transaction, each event counted once.

Every transaction takes its locks in one order: tables as they stand here, rows by key. So batches of different
partitions that touch the same customers wait for each other and never deadlock.
"""

from dataclasses import dataclass
from functools import cache

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.reading import load_model
from functions.model.render.events import render_events
from functions.stream.batch import Batch


@dataclass(frozen=True)
class Merged:
    """What came of a batch: `stored` events are new, `repeated` ones were known, `dead` messages are none."""

    stored: int = 0
    repeated: int = 0
    dead: int = 0

    def __add__(self, other: "Merged") -> "Merged":
        return Merged(self.stored + other.stored, self.repeated + other.repeated, self.dead + other.dead)


def merge(connection: Connection, batch: Batch) -> Merged:
    """Store events, aggregates, dead letters and offsets in the caller's transaction. Again: changes nothing.

    One batch a transaction: the tables that it arrives in are emptied by the commit. Raises psycopg.DataError when a
    value is one that the database cannot hold after all.
    """
    stored = _merge_events(connection, batch) if batch.events else 0
    dead = 0
    with connection.cursor() as cursor:
        for letter in sorted(batch.dead_letters, key=lambda each: (each.position.topic, each.position.partition)):
            at = letter.position
            row = (at.topic, at.partition, at.offset, letter.timestamp, letter.raw, letter.sha256, list(letter.reasons))
            dead += cursor.execute(read_sql("stream/dead_letter.sql"), row).rowcount
        for end in batch.next_offsets:
            cursor.execute(read_sql("stream/stream_offset.sql"), (end.topic, end.partition, end.offset))
    return Merged(stored, len(batch.events) - stored, dead)


def _merge_events(connection: Connection, batch: Batch) -> int:
    connection.execute(read_sql("stream/create_incoming_event.sql"))
    connection.execute(read_sql("stream/create_fresh_event.sql"))
    with connection.cursor() as cursor, cursor.copy(read_sql("stream/copy_incoming_event.sql")) as copy:
        for placed in batch.events:
            event, position = placed.event, placed.position
            copy.write_row(
                (
                    event.event_id,
                    event.event_type,
                    event.customer_id,
                    event.occurred_at.isoformat(),
                    event.product_id or None,
                    None if event.amount is None else str(event.amount),
                    event.session_id or None,
                    placed.properties,
                    position.topic,
                    position.partition,
                    position.offset,
                )
            )
    statements = _statements()
    stored = connection.execute(statements[0]).rowcount
    if stored:
        for statement in statements[1:]:
            connection.execute(statement)
        connection.execute(
            read_sql("stream/event_total.sql"), (min(placed.position.partition for placed in batch.events),)
        )
    return stored


@cache
def _statements() -> tuple[bytes, ...]:
    return tuple(statement.as_bytes(None) for statement in render_events(load_model()))
