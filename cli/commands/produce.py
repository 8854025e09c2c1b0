"""c360 produce: synthetic visitors' sessions, sent to Kafka in real time."""

import random
import time
import uuid
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.errors import DeploymentError, MismatchError, UsageError
from cli.options import JsonOption, Target, TargetOption, examples
from cli.output import Advance, Output, table

if TYPE_CHECKING:
    from cli.deployment import Deployment
    from cli.sample.sessions import Product

EXAMPLES = examples(
    "c360 produce                                   1,000 events at 100 a second",
    "c360 produce --rate 500 --duration 60",
    "c360 produce --count 10000 --malformed 0.01    one message in a hundred is not a valid event",
)
_DEFAULT_COUNT = 1000
_STORED_WITHIN_SECONDS = 60
_MOST_KEYS = 20_000

_STORED = """
select
    count(*),
    percentile_cont(array[0.5, 0.95, 0.99, 1.0]) within group (order by extract(epoch from loaded_at - occurred_at))
from business_vault.vw_event
where loaded_at >= %s::timestamptz - interval '1 minute' and properties ->> 'run' = %s
"""


def command(
    rate: Annotated[float, typer.Option(min=0.1, max=100_000, help="Events a second.")] = 100,
    count: Annotated[int | None, typer.Option(min=1, help="How many; 1000 without --duration.")] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="For how many seconds, instead of --count.")] = None,
    malformed: Annotated[float, typer.Option(min=0, max=1, help="Share of messages that are not valid events.")] = 0,
    seed: Annotated[int | None, typer.Option(help="The same visitors again, under new event ids.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until all are stored.")] = True,
    target: TargetOption = Target.EMBEDDED,
    json: JsonOption = False,
) -> None:
    """Send page views, clicks and purchases of customers and products that the warehouse knows, in real time.

    Shows the counters moving in the API, and reports how long each event took to be acknowledged, stored and visible.
    """
    from cli.deployment import open_deployment

    if count is not None and duration is not None:
        raise UsageError("give --count or --duration, not both")
    total = count or (round(rate * duration) if duration else _DEFAULT_COUNT)
    output = Output(as_json=json)
    result = send(
        open_deployment(target), output, rate=rate, count=max(total, 1), malformed=malformed, seed=seed, wait=wait
    )
    show(output, result)
    output.result(result)


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
    from cli.kafka_producer import percentiles, produce
    from cli.live_counters import display, feed_of
    from cli.sample.sessions import sessions

    servers, topic = deployment.outputs.kafka_bootstrap_servers, deployment.outputs.kafka_topic
    if not servers or not topic or not deployment.is_local:
        raise DeploymentError("Kafka is not reachable from here; on AWS produce from inside its VPC, signed in by IAM")
    draw = random.Random(seed)
    run = uuid.uuid4().hex[:12]
    customers, products = _known(deployment)
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


def _known(deployment: "Deployment") -> "tuple[list[str], list[Product]]":
    """Keys that the warehouse knows, else synthetic ones."""
    from cli.sample.sessions import Product

    with deployment.database() as connection:
        customers = connection.execute(
            "select customer_id from business_vault.vw_customer_360 limit %s", (_MOST_KEYS,)
        ).fetchall()
        products = connection.execute(
            "select product_id, coalesce(price, 20)::float from business_vault.vw_product_analytics limit %s",
            (_MOST_KEYS,),
        ).fetchall()
    return (
        [row[0] for row in customers] or [f"VISITOR-{n:04}" for n in range(1, 501)],
        [Product(*row) for row in products] or [Product(f"ITEM-{n:03}", 5.0 + n) for n in range(1, 101)],
    )


def _stored(deployment: "Deployment", advance: Advance, started: str, run: str, wanted: int) -> dict[str, Any]:
    """Wait until all are stored. Raises MismatchError when they are not within a minute."""
    deadline = time.monotonic() + _STORED_WITHIN_SECONDS
    with deployment.database() as connection:
        connection.autocommit = True
        while True:
            row = connection.execute(_STORED, (started, run)).fetchone()
            stored, cuts = row or (0, None)
            advance("stored", stored, wanted)
            if stored >= wanted:
                break
            if time.monotonic() > deadline:
                raise MismatchError(
                    f"{stored} of {wanted} events are stored after {_STORED_WITHIN_SECONDS} s; c360 status shows "
                    "whether the event source runs",
                    stored=stored,
                    sent=wanted,
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
        if found := result.get(name):
            rows.append([f"{label}, p50 / p99", f"{found['p50']:,.0f} / {found['p99']:,.0f} ms"])
    output.show(table(["clickstream", ""], rows))
