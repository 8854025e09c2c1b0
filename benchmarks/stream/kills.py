"""What survives when the poller, the broker and the database are each killed while events flow."""

import json
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from confluent_kafka import Producer

from benchmarks.stream.events import random_event
from infra.outputs import Outputs
from local.processes import ProcessIdentity, find
from local.stack import EmbeddedStack

KILL_EVENTS = 100_000
SENDING_SECONDS = 30


@dataclass(frozen=True)
class Survived:
    """What came of `sent` events through three kills: how many are stored, how often they were counted, seconds."""

    sent: int
    stored: int
    counted: int
    distinct: int
    seconds: float

    @property
    def is_exact(self) -> bool:
        """Whether each was counted once."""
        return self.sent == self.stored == self.counted == self.distinct


def survive(
    stack: EmbeddedStack, outputs: Outputs, count: int, say: Callable[[str], None], patience: float = 300
) -> Survived:
    """Send `count` events while poller, broker and database are each killed (SIGKILL) once and healed by `up`."""
    began = time.monotonic()
    prefix = uuid.uuid4().hex[:8]
    progress = {"sent": 0, "lost": 0}
    sender = threading.Thread(target=_send, args=(outputs, prefix, count, progress))
    sender.start()
    for share, name in ((0.2, "event_source"), (0.45, "broker"), (0.7, "postgres")):
        while progress["sent"] < count * share:
            time.sleep(0.02)
        process = _process(stack, name)
        os.kill(process.pid, signal.SIGKILL)
        while find(process):
            time.sleep(0.05)
        time.sleep(0.5)  # until its ports are free, or `up` would move it to others
        say(f"killed {name} after {progress['sent']:,} events")
        stack.up(say)
        if name == "broker":
            progress["lost"] = 1
    sender.join()
    counts = (0, 0, 0)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        counts = _counts(outputs, prefix)
        if counts[0] >= count and counts[1] >= count:
            time.sleep(3)  # were something counted twice, it would show by now
            counts = _counts(outputs, prefix)
            break
        time.sleep(1)
    return Survived(count, *counts, seconds=time.monotonic() - began)


def _process(stack: EmbeddedStack, name: str) -> ProcessIdentity:
    process = stack.process(name)
    if process is None:
        raise SystemExit(f"{name} does not run")
    return process


def _send(outputs: Outputs, prefix: str, count: int, progress: dict[str, int]) -> None:
    """Send for half a minute or more, again what the broker did not acknowledge, and again what it may have lost.

    noida-db acknowledges before it writes its file, about once a second; so when it was killed, what was sent until
    then goes once more under the same ids, as from an outbox.
    """
    began = time.monotonic()
    producer = Producer(
        {
            "bootstrap.servers": outputs.kafka_bootstrap_servers or "",
            "acks": "all",
            "message.timeout.ms": 300_000,
            "queue.buffering.max.messages": 2_000,
            "log_level": 0,
        }
    )
    outbox: list[dict[str, Any]] = []

    def send(event: dict[str, Any]) -> None:
        while True:
            try:
                producer.produce(outputs.kafka_topic or "", key=event["customer_id"], value=json.dumps(event))
            except BufferError:
                producer.poll(0.05)
            else:
                producer.poll(0)
                return

    for number in range(count):
        if progress["lost"] == 1:
            progress["lost"] = 2
            for event in outbox:
                send(event)
        event = {**random_event(), "event_id": f"{prefix}-{number}", "customer_id": f"{prefix}-{number % 500}"}
        outbox.append(event)
        send(event)
        progress["sent"] = number + 1
        time.sleep(max(0.0, began + SENDING_SECONDS * number / count - time.monotonic()))
    if producer.flush(300):
        raise SystemExit("the broker did not take everything")


def _counts(outputs: Outputs, prefix: str) -> tuple[int, int, int]:
    """Rows, the sum of the counters, and distinct ids of the events whose ids begin with `prefix`."""
    with psycopg.connect(outputs.database_url or "") as connection:
        rows, distinct = connection.execute(
            "select count(*), count(distinct event_id) from raw_vault.link_customer_event where event_id like %s",
            (f"{prefix}-%",),
        ).fetchall()[0]
        [(counted,)] = connection.execute(
            "select coalesce(sum(event_count), 0)::bigint from business_vault.real_time_metrics"
            " where customer_id like %s",
            (f"{prefix}-%",),
        ).fetchall()
    return rows, counted, distinct


def table(survived: Survived) -> str:
    """The survival as text."""
    verdict = "each exactly once" if survived.is_exact else "NOT EXACT"
    return (
        f"{'poller, broker, database killed':32} {'sent':>9} {'stored':>9} {'counted':>9} {'seconds':>8}\n"
        f"{verdict:32} {survived.sent:>9,} {survived.stored:>9,} {survived.counted:>9,} {survived.seconds:>8.1f}"
    )
