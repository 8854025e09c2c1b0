"""Messages that were no events: look at them, and try them again once the cause is gone."""

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from functions.common.database import Connection
from functions.stream.batch import Batch, DeadLetter, PlacedEvent, Position
from functions.stream.contract import ContractError, parse
from functions.stream.merge import merge

LIST_LIMIT = 1000
REPLAY_LIMIT = 1000
BYTES_SHOWN = 2000

_LIST = """
select
    dead_letter_id, topic, kafka_partition, kafka_offset, kafka_timestamp, substring(raw for %(shown)s),
    octet_length(raw), reasons, received_at, replayed_at
from metadata.dead_letter
where (%(all)s or replayed_at is null) and dead_letter_id < %(before)s
order by dead_letter_id desc
limit %(limit)s
"""

_COUNT = "select count(*) filter (where replayed_at is null), count(*) from metadata.dead_letter"

# In the order of their ids, so that two replays at once wait for each other instead of for ever.
_TAKE = """
select dead_letter_id, topic, kafka_partition, kafka_offset, raw
from metadata.dead_letter
where replayed_at is null and raw is not null and (%(every)s or dead_letter_id = any(%(ids)s))
order by dead_letter_id
limit %(limit)s
for update
"""

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
    rows = connection.execute(_LIST, parameters).fetchall()
    counts = connection.execute(_COUNT).fetchone() or (0, 0)
    return {"waiting": counts[0], "total": counts[1], "dead_letters": [_shown(*row) for row in rows]}


def replay_dead_letters(connection: Connection, now: datetime, ids: Sequence[int] | None = None) -> dict[str, Any]:
    """Try waiting letters (all, or those of `ids`; at most REPLAY_LIMIT) again, in one transaction.

    What is an event by now is stored, once in all its life, and its letter is marked; the others wait on, with
    today's reasons.
    """
    parameters = {"every": ids is None, "ids": list(ids or ()), "limit": REPLAY_LIMIT}
    rows = connection.execute(_TAKE, parameters).fetchall()
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
