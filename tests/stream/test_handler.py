"""What the handler makes of the events of a Kafka source."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.common.errors import EventError
from tests.support.kafka_messages import DAY, Log, click, delivered
from tests.support.stream_consumer import Consumer

EVENTS = Path(__file__).parents[1] / "support" / "events"
RECORDED = datetime(2026, 11, 23, tzinfo=UTC)
"""The day of the events in these files."""
NOTHING_FAILED: dict[str, Any] = {"batchItemFailures": []}


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text())
    return event


def at(hour: int, minute: int = 0, second: float = 0, day: datetime = DAY) -> datetime:
    return day + timedelta(hours=hour, minutes=minute, seconds=second)


def test_an_msk_event_with_several_partitions_is_stored(consumer: Consumer) -> None:
    assert consumer.handle(recorded("msk.json")) == NOTHING_FAILED
    assert consumer.metrics() == {
        ("C000001", "page_view"): (1, at(12, day=RECORDED), 0),
        ("C000002", "purchase"): (1, at(11, 0, 1.5, RECORDED), Decimal("19.99")),
    }
    assert consumer.dead() == [(1, 8, b"not json", ["message: json_invalid"])]
    assert consumer.rows("select topic, kafka_partition, next_offset from metadata.stream_offset order by 2") == [
        ("clickstream_events", 0, 16),
        ("clickstream_events", 1, 9),
    ]


def test_a_self_managed_kafka_event_is_stored(consumer: Consumer) -> None:
    assert consumer.handle(recorded("self_managed_msk_shape.json")) == NOTHING_FAILED
    assert consumer.event_ids() == ["e1"]


def test_what_no_kafka_source_sends_is_refused(consumer: Consumer) -> None:
    with pytest.raises(EventError):
        consumer.handle({"Records": []})


def test_an_event_is_in_the_vault_with_all_that_it_said(consumer: Consumer) -> None:
    said = click(
        event_id="e1",
        customer_id="C|1\t'\\",
        product_id="P1",
        amount="10.50",
        session_id="S1",
        properties={"path": "/a\\b\n", "n": [1, None]},
        referrer="mail",
    )
    consumer.handle(delivered(click(event_id="e0"), said))
    assert consumer.rows("select * from business_vault.vw_event where event_id = 'e1'")[0][:-1] == (
        "e1",
        "page_view",
        "C|1\t'\\",
        at(12),
        "P1",
        Decimal("10.50"),
        "S1",
        {"path": "/a\\b\n", "n": [1, None], "referrer": "mail"},
    )
    assert consumer.rows(
        "select record_source, record_row, hash_version from raw_vault.link_customer_event where event_id = 'e1'"
    ) == [(-1, 1, 1)]


def test_only_purchases_add_to_the_amount(consumer: Consumer) -> None:
    consumer.handle(
        delivered(
            click(event_type="purchase", amount=10.1),
            click(event_type="purchase", amount=0.2),
            click(event_type="purchase"),
            click(event_type="click", amount=99),
        )
    )
    counts = {key[1]: (row[0], row[2]) for key, row in consumer.metrics().items()}
    assert counts == {"purchase": (3, Decimal("10.3")), "click": (1, Decimal(0))}


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("message", "reasons"),
    [
        (None, ["message: no_value"]),
        (b"", ["message: json_invalid"]),
        (b"\xff\xfe", ["message: json_invalid"]),
        (b"[]", ["message: model_type"]),
        (click(event_id=""), ["event_id: string_too_short"]),
        (click(event_type="refund", customer_id=5), ["event_type: literal_error", "customer_id: string_type"]),
        ({"event_type": "click"}, ["event_id: missing", "customer_id: missing", "timestamp: missing"]),
        (click(timestamp="20261123"), ["timestamp: value_error"]),
        (click(timestamp=1_764_000_000), ["timestamp: value_error"]),
        (click(timestamp="2026-11-31T00:00:00Z"), ["timestamp: datetime_from_date_parsing"]),
        (click(timestamp="1969-12-31T23:59:59Z"), ["timestamp: before_1970"]),
        (click(timestamp=(NOW + timedelta(days=2)).isoformat()), ["timestamp: more_than_a_day_ahead"]),
        (click(amount="NaN"), ["amount: finite_number"]),
        (click(amount=1e300), ["amount: decimal_max_digits"]),
        (click(customer_id="a\0b"), ["message: nul_character"]),
        (click(properties={"a": [{"b\0": 1}]}), ["message: nul_character"]),
        (click(properties={"a": 1}).copy() | {"properties": []}, ["properties: dict_type"]),
        (json.dumps(click(properties={"a": 1})).replace("1}", "1e999}").encode(), ["properties: number_out_of_range"]),
        (click(product_id="é" * 501), ["product_id: longer_than_1000_bytes"]),
    ],
)
def test_a_message_that_is_no_event_is_kept_with_its_reasons_and_blocks_nobody(
    consumer: Consumer, message: Any, reasons: list[str]
) -> None:
    log = Log()
    log.append(click(event_id="before"), message, click(event_id="after"))
    for _ in range(2):  # delivered again it is the same letter
        assert consumer.handle(log.delivery()) == NOTHING_FAILED
    assert consumer.event_ids() == ["after", "before"]
    [(partition, offset, raw, stated)] = consumer.dead()
    assert (partition, offset) == (0, 1)
    assert raw == log.messages[0][1]
    assert stated[: len(reasons)] == reasons


def test_a_reason_never_shows_a_value(consumer: Consumer) -> None:
    consumer.handle(delivered(click(customer_id=["jane@example.com"], timestamp="jane@example.com")))
    [(_, _, _, reasons)] = consumer.dead()
    assert "jane" not in " ".join(reasons)


@pytest.fixture
def refusing(consumer: Consumer) -> Iterator[Consumer]:
    """A database that refuses the session `bad`, which the contract does not foresee."""
    table = "alter table raw_vault.link_customer_event"
    consumer.execute(f"{table} add constraint surprise check (session_id is distinct from 'bad')")
    yield consumer
    consumer.execute(f"{table} drop constraint surprise")


def test_a_value_that_only_the_database_refuses_is_parted_from_its_neighbours(refusing: Consumer) -> None:
    consumer = refusing
    log = Log()
    log.append(*(click(event_id=f"e{n}", session_id="bad" if n == 3 else "good") for n in range(10)), b"x")
    assert consumer.handle(log.delivery()) == NOTHING_FAILED
    assert consumer.event_ids() == sorted(f"e{n}" for n in range(10) if n != 3)
    assert [(offset, reasons) for _, offset, _, reasons in consumer.dead()] == [
        (10, ["message: json_invalid"]),
        (3, ["database: 23514"]),
    ]
    assert consumer.rows("select next_offset from metadata.stream_offset") == [(11,)]
    assert consumer.metrics()["C1", "page_view"][0] == 9
