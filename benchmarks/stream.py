"""The clickstream: the handler's events a second, and an event's way to the API.

    python -m benchmarks stream

The handler is measured against a PostgreSQL server of its own, with fsync on; the rest on the running platform.
"""

import base64
import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.conninfo import make_conninfo

from cli.producing import percentiles, produce
from cli.sample.sessions import Product, sessions
from functions.common.database import ConnectionHolder
from functions.load.migrate import migrate
from functions.stream.batch import read_batch, utc_now
from functions.stream.settings import StreamSettings
from functions.stream.store import store
from local.postgres import PostgresServer
from local.stack import Outputs

EVENTS = 40_000
ROW_BY_ROW_EVENTS = 3_000
CUSTOMERS, PRODUCTS = 10_000, 1_000
LATENCY_RATE = 500
LATENCY_SECONDS = 30
_PASSWORD = "of-the-benchmark"


@dataclass(frozen=True)
class Rate:
    """Events a second of one way to store them."""

    name: str
    events: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.events / self.seconds


def measure_handler(folder: Path, events: int = EVENTS) -> list[Rate]:
    """The function's own code in batches of 500 and 1,000, and row by row, on one fresh server."""
    server = PostgresServer(folder / "handler-postgres")
    with server.running():
        with psycopg.connect(server.url) as connection:
            migrate(connection, {"c360_stream": _PASSWORD})
        url = make_conninfo(server.url, user="c360_stream", password=_PASSWORD)
        settings = StreamSettings.model_validate({"database_url": url})
        connections = ConnectionHolder()
        _in_batches(connections, settings, 500, 5_000)  # warm
        rates = [_in_batches(connections, settings, size, events) for size in (500, 1_000)]
        rates.append(_row_by_row(server.url))
        with connections.transaction(settings) as connection:
            pass
        connection.close()
    server.remove()
    return rates


def _in_batches(connections: ConnectionHolder, settings: StreamSettings, size: int, events: int) -> Rate:
    batches = [kafka_event([random_event() for _ in range(size)]) for _ in range(events // size)]
    began = time.perf_counter()
    for batch in batches:
        store(connections, settings, read_batch(batch, utc_now()))
    return Rate(f"batches of {size:,}", events // size * size, time.perf_counter() - began)


_INSERTS = (
    (
        "insert into metadata.event_id values (substring(sha256(convert_to(%(event_id)s, 'UTF8')) for 16), now())"
        " on conflict do nothing"
    ),
    (
        "insert into raw_vault.link_customer_event select substring(sha256(convert_to(%(event_id)s, 'UTF8')) for 16),"
        " substring(sha256(convert_to(%(customer_id)s, 'UTF8')) for 16),"
        " substring(sha256(convert_to(%(product_id)s, 'UTF8')) for 16), %(event_id)s, %(event_type)s, %(timestamp)s,"
        " %(amount)s, %(session_id)s, %(properties)s, now(), -1, 0, 1"
    ),
    (
        "insert into business_vault.real_time_metrics as m"
        " values (%(customer_id)s, %(event_type)s, 1, %(timestamp)s, 0)"
        " on conflict (customer_id, event_type) do update set event_count = m.event_count + 1,"
        " last_event_time = greatest(m.last_event_time, excluded.last_event_time)"
    ),
    (
        "insert into metadata.stream_offset as o values ('t', 0, 1, now()) on conflict (topic, kafka_partition)"
        " do update set next_offset = o.next_offset + 1"
    ),
)


def _row_by_row(url: str) -> Rate:
    """The common way: the same work with a statement a row and table, 500 events a transaction, less live activity."""
    batches = [kafka_event([random_event() for _ in range(500)]) for _ in range(ROW_BY_ROW_EVENTS // 500)]
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        for batch in batches:
            for record in batch["records"]["bench-0"]:
                said = {"amount": None, **json.loads(base64.b64decode(record["value"]))}
                said["properties"] = json.dumps(said["properties"])
                for statement in _INSERTS:
                    connection.execute(statement.encode(), said)
            connection.commit()
        return Rate("row by row", ROW_BY_ROW_EVENTS, time.perf_counter() - began)


def random_event() -> dict[str, Any]:
    kind = random.choice(("page_view", "page_view", "page_view", "click", "purchase"))
    return {
        "event_id": str(uuid.uuid4()),
        "event_type": kind,
        "customer_id": f"C{random.randrange(CUSTOMERS):06}",
        "timestamp": (datetime.now(UTC) - timedelta(seconds=random.random() * 60)).isoformat(),
        "product_id": f"P{random.randrange(PRODUCTS):05}",
        "session_id": f"S-{random.getrandbits(64):016x}",
        "properties": {"path": "/products", "referrer": "search"},
        **({"amount": round(random.random() * 100, 2)} if kind == "purchase" else {}),
    }


def kafka_event(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The event that Lambda would hand to the function."""
    records = [
        {
            "topic": "bench",
            "partition": 0,
            "offset": offset,
            "timestamp": 0,
            "timestampType": "CREATE_TIME",
            "value": base64.b64encode(json.dumps(event).encode()).decode(),
            "headers": [],
        }
        for offset, event in enumerate(events)
    ]
    return {"eventSource": "aws:kafka", "bootstrapServers": "", "records": {"bench-0": records}}


def rates_table(rates: list[Rate]) -> str:
    """The rates as text, each beside the last, row by row."""
    lines = [f"{'handler to PostgreSQL':24} {'events':>9} {'seconds':>8} {'events/s':>9} {'times':>6}"]
    slowest = rates[-1].per_second
    lines += [
        f"{r.name:24} {r.events:>9,} {r.seconds:>8.2f} {r.per_second:>9,.0f} {r.per_second / slowest:>6.1f}"
        for r in rates
    ]
    return "\n".join(lines)


def measure_latency(outputs: Outputs, rate: float = LATENCY_RATE, seconds: float = LATENCY_SECONDS) -> dict[str, float]:
    """Milliseconds from the timestamp inside an event until the API shows it, through broker, poller and Lambda.

    The local API is asked for the latest events over and over; a first part, which starts the functions, is left out.
    """
    seen: dict[str, float] = {}
    sent: dict[str, float] = {}
    done = threading.Event()

    def watch() -> None:
        with httpx.Client(base_url=outputs.local_api_url or "", trust_env=False, timeout=30) as client:
            while not done.is_set():
                items = client.get("/events/recent", params={"limit": 500}).json()["items"]
                now = time.time()
                for item in items:
                    seen.setdefault(item["event_id"], now)
                time.sleep(0.02)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _produce(outputs, rate, 10, {})
    time.sleep(2)
    _produce(outputs, rate, seconds, sent)
    deadline = time.monotonic() + 60
    while len(seen.keys() & sent.keys()) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.1)
    done.set()
    watcher.join()
    missing = len(sent) - len(seen.keys() & sent.keys())
    found = percentiles([seen[key] - at for key, at in sent.items() if key in seen])
    if found is None:
        raise SystemExit("no event ever reached the API")
    return {**found, "events": float(len(sent)), "unseen": float(missing)}


def _produce(outputs: Outputs, rate: float, seconds: float, sent: dict[str, float]) -> None:
    def noted(events: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        for event in events:
            sent[event["event_id"]] = datetime.fromisoformat(event["timestamp"]).timestamp()
            yield event

    draw = random.Random()
    known = [f"C{n:06}" for n in range(CUSTOMERS)], [Product(f"P{n:05}", 9.99) for n in range(PRODUCTS)]
    produce(
        outputs.kafka_bootstrap_servers or "",
        outputs.kafka_topic or "",
        noted(sessions(draw, *known, "bench")),
        draw,
        rate=rate,
        count=round(rate * seconds),
        malformed_share=0,
        report=lambda _: None,
    )


def latency_table(found: dict[str, float]) -> str:
    """The latency as text."""
    return (
        f"{'event to API, ms':24} {'events':>9} {'p50':>8} {'p95':>8} {'p99':>8} {'most':>8}\n"
        f"{f'at {LATENCY_RATE} events/s':24} {found['events']:>9,.0f} {found['p50']:>8,.0f} {found['p95']:>8,.0f}"
        f" {found['p99']:>8,.0f} {found['max']:>8,.0f}"
        + (
            f"\n{found['unseen']:.0f} were pushed out of the latest 500 before they were asked for"
            * bool(found["unseen"])
        )
    )
