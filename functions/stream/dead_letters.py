"""Messages that were no events: look at them, and try them again once the cause is gone."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.stream.batch import Batch, DeadLetter, PlacedEvent, Position
from functions.stream.contract import ContractError, parse
from functions.stream.merge import merge

LIST_LIMIT = 1000
REPLAY_LIMIT = 1000
BYTES_SHOWN = 2000

_COUNT = "select count(*) filter (where replayed_at is null), count(*) from metadata.dead_letter"

_STILL_DEAD = "update metadata.dead_letter set reasons = %s where dead_letter_id = %s"
_REPLAYED = "update metadata.dead_letter set replayed_at = now() where dead_letter_id = any(%s)"


def list_dead_letters(
    connection: Connection, *, limit: int, before: int | None = None, replayed: bool = False
) -> dict[str, Any]:
    """The newest dead letters that wait, with `replayed` also those that do not; and how many there are.

    `before`: only those with a smaller id. The first BYTES_SHOWN bytes are in `raw` where they are UTF-8, else as
    base64 in `raw_base64`; `bytes` is how many there are.
    """
    parameters = {"all": replayed, "before": before or 2**63 - 1, "limit": limit, "shown": BYTES_SHOWN}
    rows = connection.execute(read_sql("stream/list_dead_letters.sql"), parameters).fetchall()
    counts = connection.execute(_COUNT).fetchone() or (0, 0)
    return {"waiting": counts[0], "total": counts[1], "dead_letters": [_shown(*row) for row in rows]}


def replay_dead_letters(connection: Connection, now: datetime, ids: Sequence[int] | None = None) -> dict[str, Any]:
    """Try waiting letters (all, or those of `ids`; at most REPLAY_LIMIT) again, in one transaction.

    What is an event now is stored, unless it was stored before, and its letter is marked; the others keep waiting,
    with today's reasons.
    """
    parameters = {"every": ids is None, "ids": list(ids or ()), "limit": REPLAY_LIMIT}
    rows = connection.execute(read_sql("stream/take_dead_letters.sql"), parameters).fetchall()
    events: list[PlacedEvent] = []
    accepted: list[int] = []
    refused: dict[int, DeadLetter] = {}
    for letter_id, topic, partition, offset, raw in rows:
        position = Position(topic, partition, offset)
        try:
            events.append(PlacedEvent(position, *parse(raw, now), raw))
            accepted.append(letter_id)
        except ContractError as error:
            refused[letter_id] = DeadLetter(position, raw, error.reasons)
    merged = merge(connection, Batch(tuple(events), ()))
    connection.execute(_REPLAYED, (accepted,))
    for letter_id, letter in refused.items():
        connection.execute(_STILL_DEAD, (list(letter.reasons), letter_id))
    return {
        "replayed": len(accepted),
        "stored": merged.stored,
        "repeated": merged.repeated,
        "still_dead": [{"dead_letter_id": key, "reasons": list(letter.reasons)} for key, letter in refused.items()],
    }


def _shown(
    letter_id: int,
    topic: str,
    partition: int,
    offset: int,
    timestamp: datetime | None,
    raw: bytes | None,
    size: int | None,
    reasons: list[str],
    received_at: datetime,
    replayed_at: datetime | None,
) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "dead_letter_id": letter_id,
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp.isoformat() if timestamp else None,
        "reasons": reasons,
        "bytes": size,
        "received_at": received_at.isoformat(),
        "replayed_at": replayed_at.isoformat() if replayed_at else None,
        "raw": None,
    }
    if raw is not None:
        try:
            shown["raw"] = raw.decode()
        except UnicodeDecodeError:
            shown["raw_base64"] = base64.b64encode(raw).decode()
    return shown
