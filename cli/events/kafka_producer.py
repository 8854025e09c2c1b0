"""Send messages to Kafka at a rate, and how long the broker took to take them."""

import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from confluent_kafka import KafkaException, Producer

from cli.errors import CliError
from cli.sample.sessions import malformed

_FLUSH_SECONDS = 30
_REPORT_SECONDS = 0.2


class BrokerError(CliError):
    """Kafka cannot be reached, or did not take what was sent."""

    code = "broker"


@dataclass
class Sent:
    """What was sent."""

    messages: int = 0
    malformed: int = 0
    failed: int = 0
    seconds: float = 0
    by_type: Counter[str] = field(default_factory=Counter)
    purchase_amount: Decimal = Decimal(0)
    ack_seconds: list[float] = field(default_factory=list)

    @property
    def events(self) -> int:
        """Messages that are events."""
        return self.messages - self.malformed


def produce(
    bootstrap_servers: str,
    topic: str,
    events: Iterator[dict[str, Any]],
    draw: random.Random,
    *,
    rate: float,
    count: int,
    malformed_share: float,
    report: Callable[[int], None],
) -> Sent:
    """Send `count` messages at `rate` a second, keyed by customer so that a customer's order is kept.

    The producer is idempotent: what it sends again after a lost answer is not there twice. `report` is called now and
    then with how many were sent. Raises BrokerError when the broker does not take all of them.
    """
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "enable.idempotence": True,
            "linger.ms": 2,
            "message.timeout.ms": _FLUSH_SECONDS * 1000,
            "log_level": 0,
        }
    )
    try:
        producer.list_topics(topic, timeout=10)
    except KafkaException as error:
        raise BrokerError(f"Kafka at {bootstrap_servers} cannot be reached: {error.args[0].str()}") from error
    sent = Sent()
    began = reported = time.monotonic()
    for number in range(count):
        event = next(events)
        is_malformed = draw.random() < malformed_share
        value = malformed(draw, event) if is_malformed else json.dumps(event).encode()
        _send(producer, topic, event["customer_id"], value, sent)
        sent.messages += 1
        if is_malformed:
            sent.malformed += 1
        else:
            sent.by_type[event["event_type"]] += 1
            if event["event_type"] == "purchase":
                sent.purchase_amount += Decimal(str(event["amount"]))
        if number == 0:  # with it the producer gets its id, which takes up to a second
            producer.flush(_FLUSH_SECONDS)
            began = time.monotonic()
        now = time.monotonic()
        if now - reported > _REPORT_SECONDS:
            report(sent.messages)
            reported = now
        if (early := began + (number + 1) / rate - now) > 0:
            producer.poll(early)
            time.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
    unsent = producer.flush(_FLUSH_SECONDS)
    sent.seconds = time.monotonic() - began
    report(sent.messages)
    if sent.failed or unsent:
        raise BrokerError(f"Kafka at {bootstrap_servers} did not take {sent.failed + unsent} of {count} messages")
    return sent


def _send(producer: Producer, topic: str, key: str, value: bytes, sent: Sent) -> None:
    at = time.monotonic()

    def acknowledged(error: object, _message: object) -> None:
        if error is not None:
            sent.failed += 1
        else:
            sent.ack_seconds.append(time.monotonic() - at)

    while True:
        try:
            producer.produce(topic, key=key.encode(), value=value, on_delivery=acknowledged)
        except BufferError:
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def percentiles(seconds: list[float]) -> dict[str, float] | None:
    """p50, p95, p99 and the most, in milliseconds; None of fewer than two."""
    if len(seconds) < 2:
        return None
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    latency = {f"p{percent}": cuts[percent - 1] for percent in (50, 95, 99)} | {"max": max(seconds)}
    return {name: round(value * 1000, 1) for name, value in latency.items()}
