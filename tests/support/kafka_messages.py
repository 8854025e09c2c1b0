"""Kafka messages and the events that Lambda makes of them, written without the product's code."""

import base64
import json
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

TOPIC = "clickstream_events"
DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
"""Yesterday: never ahead of the clock, and a day whose partition is kept."""


def click(**fields: Any) -> dict[str, Any]:
    """An event with what a test leaves out filled in."""
    return {
        "event_id": str(uuid.uuid4()),
        "event_type": "page_view",
        "customer_id": "C1",
        "timestamp": f"{DAY:%Y-%m-%d}T12:00:00Z",
        **fields,
    }


@dataclass
class Log:
    """A topic: messages appended to partitions get their offsets; `delivery` is what Lambda would be called with."""

    topic: str = TOPIC
    messages: dict[int, list[bytes | None]] = field(default_factory=lambda: defaultdict(list))

    def append(self, *messages: dict[str, Any] | bytes | None, partition: int = 0) -> list[tuple[int, int]]:
        """Append messages; their (partition, offset)."""
        first = len(self.messages[partition])
        self.messages[partition] += [json.dumps(m).encode() if isinstance(m, dict) else m for m in messages]
        return [(partition, first + n) for n in range(len(messages))]

    def record(self, partition: int, offset: int) -> dict[str, Any]:
        """One record of an MSK event."""
        value = self.messages[partition][offset]
        encoded = {} if value is None else {"value": base64.b64encode(value).decode()}
        return {
            "topic": self.topic,
            "partition": partition,
            "offset": offset,
            "timestamp": 1_764_000_000_000 + offset,
            "timestampType": "CREATE_TIME",
            "headers": [],
            **encoded,
        }

    def delivery(self, positions: list[tuple[int, int]] | None = None) -> dict[str, Any]:
        """The MSK event of these positions, or of all messages."""
        if positions is None:
            positions = [(partition, n) for partition, messages in self.messages.items() for n in range(len(messages))]
        records: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for partition, offset in positions:
            records[f"{self.topic}-{partition}"].append(self.record(partition, offset))
        return {
            "eventSource": "aws:kafka",
            "eventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/clickstream/0-1",
            "bootstrapServers": "b-1:9098",
            "records": dict(records),
        }


def delivered(*messages: dict[str, Any] | bytes | None) -> dict[str, Any]:
    """The MSK event of these messages on a partition of their own."""
    log = Log()
    log.append(*messages)
    return log.delivery()
