"""Records of one partition, gathered into the batches that a mapping asks for, and the event Lambda gets of them."""

import base64
import queue
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message

from local.event_source.mapping import EventSourceMapping

# Lambda takes 6 MB (AWS: "Lambda quotas", invocation payload); the rest of the event fits in what is left.
LARGEST_PAYLOAD = 5_500_000


@dataclass(frozen=True, slots=True)
class Record:
    """A message as Lambda's event shows it; `size` in bytes."""

    topic: str
    partition: int
    offset: int
    shown: dict[str, Any]
    size: int


def read(message: Message) -> Record:
    """The record of a consumed message (AWS: "Using Lambda with Amazon MSK", example event)."""
    kind, timestamp = message.timestamp()
    value, key = message.value(), message.key()
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None and partition is not None and offset is not None  # noqa: S101, PT018 (it was consumed)
    shown: dict[str, Any] = {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "timestamp": timestamp,
        "timestampType": "LOG_APPEND_TIME" if kind == TIMESTAMP_LOG_APPEND_TIME else "CREATE_TIME",
        "headers": [{name: _signed(value)} for name, value in _headers(message)],
    }
    if key is not None:
        shown["key"] = _encoded(key)
    if value is not None:
        shown["value"] = _encoded(value)
    size = 200 + sum(len(str(shown.get(name, ""))) for name in ("key", "value", "headers"))
    return Record(topic, partition, offset, shown, size)


def msk_event(mapping: EventSourceMapping, records: Sequence[Record]) -> dict[str, Any]:
    """The event with which Lambda is invoked."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        grouped.setdefault(f"{record.topic}-{record.partition}", []).append(record.shown)
    return {
        "eventSource": "aws:kafka",
        "eventSourceArn": mapping.event_source_arn,
        "bootstrapServers": mapping.bootstrap_servers,
        "records": grouped,
    }


class Gathering:
    """Records of one partition that wait for their batch; one thread puts, one takes."""

    def __init__(self, mapping: EventSourceMapping) -> None:
        self._mapping = mapping
        self._waiting: queue.Queue[Record | None] = queue.Queue()
        self._held: Record | None = None
        self._ended = False

    def put(self, record: Record) -> None:
        """Add a record."""
        self._waiting.put(record)

    def end(self) -> None:
        """Have `take` return None, at once or after the batch it is gathering."""
        self._waiting.put(None)

    def __len__(self) -> int:
        return self._waiting.qsize()

    def take(self) -> list[Record] | None:
        """Wait for a record, then for more until batch size, window or payload limit; None at the end."""
        first = self._held or (None if self._ended else self._waiting.get())
        self._held = None
        if first is None:
            return None
        batch, size = [first], first.size
        deadline = time.monotonic() + self._mapping.window_seconds
        while len(batch) < self._mapping.batch_size and not self._ended:
            try:
                record = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if record is None:
                self._ended = True
            elif size + record.size > LARGEST_PAYLOAD:
                self._held = record
                break
            else:
                batch.append(record)
                size += record.size
        return batch


def _headers(message: Message) -> list[tuple[str, str | bytes | None]]:
    """In order; a name may repeat."""
    headers = message.headers() or []
    return list(headers.items()) if isinstance(headers, dict) else headers


def _encoded(value: str | bytes) -> str:
    return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()


def _signed(value: str | bytes | None) -> list[int]:
    """Header values are arrays of Java's bytes, -128 to 127."""
    raw = value.encode() if isinstance(value, str) else value or b""
    return [byte - 256 if byte > 127 else byte for byte in raw]
