"""Sending synthetic sessions to Kafka, and how soon each event was acknowledged, stored and visible in the API."""

import random
import time
import uuid
from typing import TYPE_CHECKING, Any

from cli.errors import DeploymentError, MismatchError
from cli.output import Advance, Output, table
from functions.common.sql_files import read_sql

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.sample.sessions import Product

_STORED_WITHIN_SECONDS = 60
_MOST_KEYS = 20_000


def send(
    deployment: "Deployment",
    output: Output,
    *,
    rate: float,
    count: int,
    malformed: float = 0,
    seed: int | None = None,
    wait: bool = True,
) -> dict[str, Any]:
    """Send `count` messages of synthetic sessions, show the counters while they move, and return what came of it.

    Raises DeploymentError where Kafka cannot be reached from here, MismatchError when not all are stored in a minute.
    """
    from cli.events.kafka_producer import percentiles, produce
    from cli.events.live_counters import display, feed_of
    from cli.sample.sessions import sessions

    servers, topic = deployment.outputs.kafka_bootstrap_servers, deployment.outputs.kafka_topic
    if not servers or not topic or not deployment.is_local:
        raise DeploymentError("Kafka is not reachable from here; on AWS produce from inside its VPC, signed in by IAM")
    draw = random.Random(seed)
    run = uuid.uuid4().hex[:12]
    customers, products = _customers_and_products(deployment)
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    feed = None if output.as_json else feed_of(deployment.with_api_key())
    with display(output, feed) if feed else output.advancing("messages") as advance:
        sent = produce(
            servers,
            topic,
            sessions(draw, customers, products, run),
            draw,
            rate=rate,
            count=count,
            malformed_share=malformed,
            report=lambda done: advance("sent", done, count),
        )
        stored = _stored(deployment, advance, started, run, sent.events) if wait else {}
    result: dict[str, Any] = {
        "run": run,
        "topic": topic,
        "messages": sent.messages,
        "malformed": sent.malformed,
        "events": sent.events,
        "by_type": dict(sent.by_type),
        "purchase_amount": sent.purchase_amount,
        "seconds": round(sent.seconds, 3),
        "rate": round(sent.messages / sent.seconds, 1),
        "ack_ms": percentiles(sent.ack_seconds),
    }
    return result | stored | ({"api_ms": feed.latency_ms()} if feed else {})


def _customers_and_products(deployment: "Deployment") -> "tuple[list[str], list[Product]]":
    """Customers and products of the warehouse; where it has none, synthetic ones."""
    from cli.sample.sessions import Product

    with deployment.database() as connection:
        customers = connection.execute(read_sql("cli/customer_keys.sql"), (_MOST_KEYS,)).fetchall()
        products = connection.execute(read_sql("cli/product_prices.sql"), (_MOST_KEYS,)).fetchall()
    return (
        [row[0] for row in customers] or [f"VISITOR-{n:04}" for n in range(1, 501)],
        [Product(*row) for row in products] or [Product(f"ITEM-{n:03}", 5.0 + n) for n in range(1, 101)],
    )


def _stored(deployment: "Deployment", advance: Advance, started: str, run: str, sent: int) -> dict[str, Any]:
    """Wait until all are stored. Raises MismatchError when they are not within a minute."""
    deadline = time.monotonic() + _STORED_WITHIN_SECONDS
    with deployment.database() as connection:
        connection.autocommit = True
        while True:
            row = connection.execute(read_sql("cli/stored_events.sql"), (started, run)).fetchone()
            stored, cuts = row or (0, None)
            advance("stored", stored, sent)
            if stored >= sent:
                break
            if time.monotonic() > deadline:
                raise MismatchError(
                    f"{stored} of {sent} events are stored after {_STORED_WITHIN_SECONDS} s; c360 status shows "
                    "whether the event source runs",
                    stored=stored,
                    sent=sent,
                )
            time.sleep(0.2)
    latency = dict(zip(("p50", "p95", "p99", "max"), cuts or (), strict=False))
    return {"stored": stored, "stored_ms": {name: round(value * 1000, 1) for name, value in latency.items()} or None}


def show(output: Output, result: dict[str, Any]) -> None:
    """What came of it, for people."""
    rows = [
        ["messages", result["messages"]],
        ["of them malformed", result["malformed"]],
        *[[name, number] for name, number in sorted(result["by_type"].items())],
        ["purchase amount", result["purchase_amount"]],
        ["messages a second", result["rate"]],
    ]
    for name, label in (("ack_ms", "taken by Kafka"), ("stored_ms", "stored"), ("api_ms", "seen in the API")):
        if latency := result.get(name):
            rows.append([f"{label}, p50 / p99", f"{latency['p50']:,.0f} / {latency['p99']:,.0f} ms"])
    output.show(table(["clickstream", ""], rows))
