"""A customer's live activity is true when read, and exists as soon as an event names the customer."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.support.kafka_messages import click, delivered
from tests.support.night import role_url
from tests.support.stream_consumer import Consumer


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


def activity(consumer: Consumer, customer_id: str = "C1") -> dict[str, Any]:
    names = ["last_event_type", "last_session_id", "last_product_id"]
    names += ["events_last_5_minutes", "events_last_hour", "events_last_day"]
    rows = consumer.rows(
        f"select {', '.join(names)} from business_vault.vw_live_activity where customer_id = %s", customer_id
    )
    return dict(zip(names, rows[0], strict=True))


def test_windows_count_what_happened_in_them_wherever_midnight_falls(consumer: Consumer) -> None:
    ages = [
        {"seconds": 10},
        {"minutes": 4},
        {"minutes": 6},
        {"minutes": 59},
        {"hours": 2},
        {"hours": 23},
        {"hours": 25},
    ]
    consumer.handle(delivered(*(click(timestamp=ago(**age)) for age in ages)))
    live = activity(consumer)
    assert [live[f"events_last_{window}"] for window in ("5_minutes", "hour", "day")] == [2, 4, 6]


def test_windows_empty_by_themselves(consumer: Consumer) -> None:
    consumer.handle(delivered(click(timestamp=ago(minutes=4, seconds=58.5))))
    assert activity(consumer)["events_last_5_minutes"] == 1
    consumer.rows("select pg_sleep(2)")
    assert activity(consumer)["events_last_5_minutes"] == 0


def test_the_last_session_and_product_are_those_of_the_latest_event_that_names_one(consumer: Consumer) -> None:
    consumer.handle(
        delivered(
            click(timestamp=ago(minutes=1), event_type="click", session_id="S2"),
            click(timestamp=ago(minutes=2), product_id="P2", session_id="S1"),
            click(timestamp=ago(minutes=3), product_id="P1"),
        )
    )
    consumer.handle(delivered(click(timestamp=ago(hours=3), product_id="P9", session_id="S9")))
    live = activity(consumer)
    assert (live["last_event_type"], live["last_session_id"], live["last_product_id"]) == ("click", "S2", "P2")


def test_an_unknown_customer_and_product_have_a_profile_at_once(consumer: Consumer) -> None:
    consumer.handle(delivered(click(customer_id="new", product_id="gadget"), click(customer_id="new")))
    assert consumer.rows(
        "select customer_id, first_name, total_orders, lifetime_value from business_vault.vw_customer_360"
    ) == [("new", None, 0, 0)]
    assert consumer.rows("select product_id, total_sold from business_vault.vw_product_analytics") == [("gadget", 0)]
    assert consumer.rows(
        "select customer_id, record_source from raw_vault.hub_customer where customer_id is not null"
    ) == [("new", -1)]


@pytest.mark.parametrize("role", ["c360_api", "c360_bi", "c360_bi_persons"])
def test_readers_may_read_live_activity_and_events(consumer: Consumer, role: str) -> None:
    schema = "masked" if role == "c360_bi" else "business_vault"
    consumer.handle(delivered(click(product_id="P1"), click()))
    with psycopg.connect(role_url(consumer.admin_url, role)) as connection:
        for view, rows in (("vw_live_activity", 1), ("vw_event", 2)):
            shown = connection.execute(f"select count(*) from {schema}.{view}".encode()).fetchone()
            assert shown == (rows,)


FORBIDDEN = [
    "select customer_id from raw_vault.hub_customer",
    "select * from raw_vault.link_customer_event",
    "update raw_vault.hub_customer set customer_id = 'x'",
    "delete from metadata.event_id",
    "delete from raw_vault.link_customer_event",
    "drop table raw_vault.link_customer_event_default",
    "select * from business_vault.mart_customer_360",
    "update business_vault.mart_customer_360 set first_name = 'x'",
    "delete from metadata.dead_letter",
    "select * from metadata.load_run",
    "create table raw_vault.mine (n int)",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_stream_may_do_nothing_but_its_business(consumer: Consumer, statement: str) -> None:
    with psycopg.connect(consumer.stream_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())
