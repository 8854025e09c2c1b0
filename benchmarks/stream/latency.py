"""An event's way from its timestamp to the API, through broker, poller and LocalStack's Lambda."""

import json
import random
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

from benchmarks.stream.events import CUSTOMERS, PRODUCTS
from cli.events.kafka_producer import percentiles, produce
from cli.sample.sessions import Product, sessions
from infra.outputs import Outputs

LATENCY_RATE = 500
LATENCY_SECONDS = 30


def measure_latency(outputs: Outputs, rate: float = LATENCY_RATE, seconds: float = LATENCY_SECONDS) -> dict[str, float]:
    """Milliseconds from the timestamp inside an event until the API shows it, through broker, poller and Lambda.

    The local API's stream of events shows it; a first part, which starts the functions, is left out.
    """
    seen: dict[str, float] = {}
    sent: dict[str, float] = {}
    done = threading.Event()

    def watch() -> None:
        with (
            httpx.Client(base_url=outputs.local_api_url or "", trust_env=False, timeout=30) as client,
            client.stream("GET", "/events/stream") as answer,
        ):
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    now = time.time()
                    for item in json.loads(line.removeprefix("data: "))["items"]:
                        seen.setdefault(item["event_id"], now)
                if done.is_set():
                    return

    watcher = threading.Thread(target=watch)
    watcher.start()
    _produce(outputs, rate, 10, {})
    time.sleep(2)
    _produce(outputs, rate, seconds, sent)
    deadline = time.monotonic() + 60
    while len(seen.keys() & sent.keys()) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.1)
    done.set()
    _produce(outputs, rate, 0.1, {})  # so that the stream has a line to end at
    watcher.join()
    missing = len(sent) - len(seen.keys() & sent.keys())
    latency = percentiles([seen[key] - at for key, at in sent.items() if key in seen])
    if latency is None:
        raise SystemExit("no event ever reached the API")
    return {**latency, "events": float(len(sent)), "unseen": float(missing)}


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


def latency_table(latency: dict[str, float]) -> str:
    """The latency as text."""
    return (
        f"{'event to API, ms':24} {'events':>9} {'p50':>8} {'p95':>8} {'p99':>8} {'most':>8}\n"
        f"{f'at {LATENCY_RATE} events/s':24} {latency['events']:>9,.0f} {latency['p50']:>8,.0f} {latency['p95']:>8,.0f}"
        f" {latency['p99']:>8,.0f} {latency['max']:>8,.0f}"
        + (f"\n{latency['unseen']:.0f} never came" * bool(latency["unseen"]))
    )
