"""The stream's aggregates equal plain Python's, whatever the order of delivery, its batches and its repetitions."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.stream.batch import read_batch
from functions.stream.merge import merge
from local.servers.postgres import PostgresServer
from tests.support.database import fresh_database
from tests.support.kafka_messages import Log
from tests.support.night import prepare

START = datetime(2026, 11, 20, tzinfo=UTC)
# few of each, so that they meet; quotes, bars and empties
CUSTOMERS = ["C1", "é'|"]
events = st.builds(
    lambda number, kind, customer, seconds, product, cents, session: {
        "event_id": f"e{number}",
        "event_type": kind,
        "customer_id": customer,
        "timestamp": (START + timedelta(seconds=seconds)).isoformat(),
        "product_id": product,
        "amount": None if cents is None else str(Decimal(cents) / 100),
        "session_id": session,
    },
    st.integers(0, 10**9),
    st.sampled_from(["page_view", "click", "purchase"]),
    st.sampled_from(CUSTOMERS),
    st.sampled_from([0, 1, -40 * 86_400]),
    st.sampled_from([None, "", "P1", "P2"]),
    st.none() | st.integers(-(10**6), 10**6),
    st.sampled_from([None, "", "S1", "S2"]),
)


@dataclass(frozen=True)
class Delivery:
    """Distinct events, and batches of them (by index) in which each stands at least once."""

    events: list[dict[str, Any]]
    batches: list[list[int]]


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    delivered = draw(st.lists(events, min_size=1, max_size=12, unique_by=lambda event: event["event_id"]))
    order = draw(st.permutations(range(len(delivered)))) + draw(
        st.lists(st.integers(0, len(delivered) - 1), max_size=8)
    )
    order = draw(st.permutations(order))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=3)) | {len(order)})
    starts = [0, *cuts]
    return Delivery(delivered, [list(order[a:b]) for a, b in zip(starts, cuts, strict=False) if a < b])


def expected_metrics(delivered: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[int, datetime, Decimal]]:
    metrics: dict[tuple[str, str], tuple[int, datetime, Decimal]] = {}
    for event in delivered:
        key = (event["customer_id"], event["event_type"])
        count, last, amount = metrics.get(key, (0, START - timedelta(days=999), Decimal(0)))
        paid = Decimal(event["amount"] or 0) if event["event_type"] == "purchase" else Decimal(0)
        metrics[key] = (count + 1, max(last, datetime.fromisoformat(event["timestamp"])), amount + paid)
    return metrics


def latest(delivered: list[dict[str, Any]], customer: str, name: str) -> str | None:
    """The value of the latest event that has one; of events at one instant the greater."""
    values = [
        (datetime.fromisoformat(event["timestamp"]), event[name].encode())
        for event in delivered
        if event["customer_id"] == customer and event[name]
    ]
    return max(values)[1].decode() if values else None


@pytest.fixture(scope="module")
def connection(postgres_server: PostgresServer) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with fresh_database(postgres_server) as url:
        prepare(url)
        with psycopg.connect(url, options="-c timezone=UTC", autocommit=True) as connection:
            yield connection


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(delivery=deliveries())
def test_any_order_of_delivery_with_repetitions_gives_what_plain_python_computes(
    connection: psycopg.Connection[tuple[Any, ...]], delivery: Delivery
) -> None:
    connection.execute(
        "truncate raw_vault.link_customer_event, metadata.event_id, business_vault.real_time_metrics,"
        " business_vault.event_total, business_vault.live_activity"
    )
    log = Log()
    for batch in delivery.batches:
        positions = log.append(*(delivery.events[number] for number in batch))
        with connection.transaction():
            merge(connection, read_batch(log.delivery(positions), START + timedelta(days=1)))
    metrics = connection.execute(
        "select customer_id, event_type, event_count, last_event_time, total_purchase_amount"
        " from business_vault.real_time_metrics"
    ).fetchall()
    assert {(row[0], row[1]): tuple(row[2:]) for row in metrics} == expected_metrics(delivery.events)
    assert dict(
        connection.execute(
            "select event_type, (sum(event_count), max(last_event_time), sum(total_purchase_amount))::text"
            " from business_vault.event_total group by event_type"
        ).fetchall()
    ) == dict(
        connection.execute(
            "select event_type, (sum(event_count), max(last_event_time), sum(total_purchase_amount))::text"
            " from business_vault.real_time_metrics group by event_type"
        ).fetchall()
    )
    activity = connection.execute(
        "select customer_id, last_seen_at, last_event_type, last_session_id, last_product_id"
        " from business_vault.live_activity"
    ).fetchall()
    for customer, last_seen, *values in activity:
        own = [event for event in delivery.events if event["customer_id"] == customer]
        assert last_seen == max(datetime.fromisoformat(event["timestamp"]) for event in own)
        names = ("event_type", "session_id", "product_id")
        assert values == [latest(delivery.events, customer, name) for name in names]
    assert {row[0] for row in activity} == {event["customer_id"] for event in delivery.events}
    assert connection.execute("select count(*) from raw_vault.link_customer_event").fetchone() == (
        len(delivery.events),
    )
