"""Parse an invocation's records: events to store, messages that are none, and how far each partition was read."""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aws_lambda_powertools.utilities.data_classes.kafka_event import KafkaEvent, KafkaEventRecord

from functions.common.errors import EventError
from functions.stream.contract import ClickEvent, ContractError, parse

EVENT_SOURCES = ("aws:kafka", "SelfManagedKafka")


class Position(NamedTuple):
    """Where a message stands in Kafka."""

    topic: str
    partition: int
    offset: int


class PlacedEvent(NamedTuple):
    """An event, its properties as JSON, and where it came from; `raw` is kept in case the database refuses it."""

    position: Position
    event: ClickEvent
    properties: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that is no event, as it came. `timestamp`: Kafka's, in milliseconds since 1970; raw None: no value."""

    position: Position
    raw: bytes | None
    reasons: tuple[str, ...]
    timestamp: int | None = None

    @property
    def sha256(self) -> bytes:
        """Distinguishes two dead letters of one position."""
        return hashlib.sha256(self.raw or b"").digest()


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction stores."""

    events: tuple[PlacedEvent, ...]
    dead_letters: tuple[DeadLetter, ...]
    next_offsets: tuple[Position, ...] = ()
    """For each partition the offset after the last one read."""


def read_batch(event: dict[str, Any], now: datetime) -> Batch:
    """Parse the event of an MSK or a self-managed Kafka source; it may span topics and partitions.

    Raises EventError when it is no such event. A message that is no event never raises: it is a dead letter.
    """
    if event.get("eventSource") not in EVENT_SOURCES:
        raise EventError("this is not an event of a Kafka event source")
    return _sorted_out(KafkaEvent(event).records, now)


def _sorted_out(records: Iterable[KafkaEventRecord], now: datetime) -> Batch:
    events: list[PlacedEvent] = []
    dead: list[DeadLetter] = []
    ends: dict[tuple[str, int], int] = {}
    for record in records:
        position = Position(record.topic, record.partition, record.offset)
        key = (position.topic, position.partition)
        ends[key] = max(ends.get(key, 0), position.offset + 1)
        raw = None
        try:
            raw = _value(record)
            events.append(PlacedEvent(position, *parse(raw, now), raw))
        except ContractError as error:
            dead.append(DeadLetter(position, raw, error.reasons, record.get("timestamp")))
    return Batch(tuple(events), tuple(dead), tuple(Position(*key, end) for key, end in sorted(ends.items())))


def _value(record: KafkaEventRecord) -> bytes:
    value = record.get("value")
    if value is None:
        raise ContractError(("message: no_value",))
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ContractError(("message: not_base64",)) from None


def utc_now() -> datetime:
    """This instant."""
    return datetime.now(UTC)
