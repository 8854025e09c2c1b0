"""Store a batch whatever is in it: one transaction, or as many as it takes to part the one bad event from the rest."""

from dataclasses import dataclass, replace

import psycopg

from functions.common.database import ConnectionHolder
from functions.common.errors import TransientError
from functions.common.logging import logger
from functions.stream.batch import Batch, DeadLetter, PlacedEvent, Position
from functions.stream.merge import Merged, merge
from functions.stream.settings import StreamSettings

# Classes 22 (data exception) and 23 (integrity constraint violation), and what an index cannot hold: the value is at
# fault, and no other try will help.
_DATA_SQLSTATES = ("22", "23", "54000")


@dataclass(frozen=True)
class Stored:
    """What came of a batch; `failed`: positions that were not stored for a cause that is not their content."""

    merged: Merged
    failed: tuple[Position, ...] = ()


def store(connections: ConnectionHolder, settings: StreamSettings, batch: Batch) -> Stored:
    """Store the batch in one transaction; when the database refuses a value, halve it until that event stands alone.

    A lone event with a value that the database refuses becomes a dead letter. One that fails for an unknown cause is
    `failed` if it has neighbours that do not. Raises TransientError when another try may help, and what PostgreSQL
    said when every event fails: then nothing is wrong with the events.
    """
    try:
        return Stored(_in_transaction(connections, settings, batch))
    except TransientError:
        raise
    except psycopg.Error as error:
        if len(batch.events) <= 1 and not _is_about_data(error):
            raise
        logger.warning("the database refused a batch", extra={"sqlstate": error.sqlstate, "events": len(batch.events)})
        first = error
    without = replace(batch, events=(), next_offsets=())
    merged = _in_transaction(connections, settings, without) if without.dead_letters else Merged()
    stored = _halved(connections, settings, batch.events, first)
    if stored.failed and len(stored.failed) == len(batch.events):
        raise first
    if not stored.failed:
        _in_transaction(connections, settings, replace(batch, events=(), dead_letters=()))
    return Stored(merged + stored.merged, stored.failed)


def _halved(
    connections: ConnectionHolder, settings: StreamSettings, events: tuple[PlacedEvent, ...], error: psycopg.Error
) -> Stored:
    if len(events) == 1:
        [lone] = events
        if not _is_about_data(error):
            return Stored(Merged(), (lone.position,))
        letter = DeadLetter(lone.position, lone.raw, (f"database: {error.sqlstate}",))
        return Stored(_in_transaction(connections, settings, Batch((), (letter,))))
    middle = len(events) // 2
    halves = [_half(connections, settings, half) for half in (events[:middle], events[middle:])]
    return Stored(halves[0].merged + halves[1].merged, halves[0].failed + halves[1].failed)


def _half(connections: ConnectionHolder, settings: StreamSettings, events: tuple[PlacedEvent, ...]) -> Stored:
    try:
        return Stored(_in_transaction(connections, settings, Batch(events, ())))
    except TransientError:
        raise
    except psycopg.Error as error:
        return _halved(connections, settings, events, error)


def _in_transaction(connections: ConnectionHolder, settings: StreamSettings, batch: Batch) -> Merged:
    with connections.transaction(settings) as connection:
        return merge(connection, batch)


def _is_about_data(error: psycopg.Error) -> bool:
    return (error.sqlstate or "").startswith(_DATA_SQLSTATES)
