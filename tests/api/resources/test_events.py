"""What the API shows of the clickstream."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest

from functions.api.app import create_app
from functions.api.resources import event_feed, events
from functions.stream.batch import read_batch
from functions.stream.merge import merge
from tests.support.kafka_messages import click, delivered
from tests.support.night import role_url
from tests.support.served_api import served, settings_for
from tests.support.stream_consumer import Consumer


def now() -> str:
    return datetime.now(UTC).isoformat()


def ago(**before: float) -> str:
    return (datetime.now(UTC) - timedelta(**before)).isoformat()


@pytest.fixture
def api(consumer: Consumer) -> Iterator[httpx.Client]:
    """A client of the API, served by uvicorn, signed in as c360_api."""
    with served(create_app(settings_for(role_url(consumer.admin_url, "c360_api")))) as client:
        yield client


def test_recent_events_are_those_that_arrived_last(consumer: Consumer, api: httpx.Client) -> None:
    assert api.get("/events/recent").json() == {"items": [], "total": 0, "next": None}
    consumer.handle(delivered(click(event_id="first", timestamp=now())))
    consumer.handle(delivered(click(event_id="second", timestamp=now(), event_type="purchase", amount=10.5)))
    consumer.handle(delivered(click(event_id="late", timestamp="2020-01-01T00:00:00Z")))
    answer = api.get("/events/recent", params={"limit": 5})
    assert [item["event_id"] for item in answer.json()["items"]] == ["second", "first"]
    assert answer.json()["total"] == 3
    assert '"amount":10.50' in answer.text
    assert len(api.get("/events/recent", params={"limit": 1}).json()["items"]) == 1
    assert api.get("/events/recent", params={"limit": 0}).status_code == 422


def test_the_summary_counts_all_events_and_who_is_active(consumer: Consumer, api: httpx.Client) -> None:
    assert api.get("/events/summary").json() == {"total": 0, "active_customers": 0, "by_type": []}
    last = ago(seconds=10)
    consumer.handle(
        delivered(
            click(customer_id="C1", timestamp=last),
            click(customer_id="C1", timestamp=ago(seconds=20), event_type="purchase", amount="0.1"),
            click(customer_id="C2", timestamp=ago(seconds=30), event_type="purchase", amount="0.2"),
            click(customer_id="C3", timestamp=ago(minutes=6)),
            click(customer_id="C4", timestamp=ago(hours=-3)),
        )
    )
    answer = api.get("/events/summary")
    assert (answer.json()["total"], answer.json()["active_customers"]) == (5, 2)
    views, purchases = answer.json()["by_type"]
    assert (views["event_type"], views["event_count"]) == ("page_view", 3)
    assert (purchases["event_type"], purchases["event_count"]) == ("purchase", 2)
    assert '"total_purchase_amount":0.30' in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_live_activity_is_that_of_the_moment(consumer: Consumer, api: httpx.Client) -> None:
    customer = "C/1 é"
    consumer.handle(
        delivered(
            click(customer_id=customer, timestamp=now(), product_id="P1", session_id="S1"),
            click(customer_id=customer, timestamp=now(), event_type="purchase", amount="9.90"),
        )
    )
    found = api.get(f"/customers/{quote(customer, safe='')}/activity").json()
    assert (found["events_last_5_minutes"], found["last_session_id"], found["last_product_id"]) == (2, "S1", "P1")
    assert {each["event_type"]: each["event_count"] for each in found["by_type"]} == {"page_view": 1, "purchase": 1}
    assert api.get(f"/customers/{quote(customer, safe='')}").json()["total_orders"] == 0


LIVE = (
    "last_seen_at",
    "last_event_type",
    "last_session_id",
    "last_product_id",
    "events_last_5_minutes",
    "events_last_hour",
    "events_last_day",
)


def test_the_profile_shows_live_activity_and_its_tag_changes_with_it(consumer: Consumer, api: httpx.Client) -> None:
    consumer.handle(delivered(click(timestamp=ago(minutes=7), session_id="S1", product_id="P1")))
    first = api.get("/customers/C1")
    shown = first.json()
    assert {name: shown[name] for name in LIVE} == {
        "last_seen_at": shown["last_seen_at"],
        "last_event_type": "page_view",
        "last_session_id": "S1",
        "last_product_id": "P1",
        "events_last_5_minutes": 0,
        "events_last_hour": 1,
        "events_last_day": 1,
    }
    activity = api.get("/customers/C1/activity").json()
    assert {name: shown[name] for name in LIVE} == {name: activity[name] for name in LIVE}
    held = {"If-None-Match": first.headers["etag"]}
    assert api.get("/customers/C1", headers=held).status_code == 304
    consumer.handle(delivered(click(customer_id="C2", timestamp=now())))
    assert api.get("/customers/C1", headers=held).status_code == 304, "somebody else's event"
    consumer.handle(delivered(click(timestamp=now(), event_type="purchase", amount="5")))
    again = api.get("/customers/C1", headers=held)
    assert (again.status_code, again.json()["last_event_type"], again.json()["events_last_hour"]) == (
        200,
        "purchase",
        2,
    )
    assert again.headers["etag"] != first.headers["etag"]


def test_the_profiles_tag_changes_when_an_event_leaves_a_window(consumer: Consumer, api: httpx.Client) -> None:
    consumer.handle(delivered(click(timestamp=ago(minutes=4, seconds=58.5))))
    first = api.get("/customers/C1", params={"fields": "events_last_5_minutes"})
    assert first.json() == {"events_last_5_minutes": 1}
    time.sleep(2)
    held = {"If-None-Match": first.headers["etag"]}
    assert api.get("/customers/C1", params={"fields": "events_last_5_minutes"}, headers=held).json() == {
        "events_last_5_minutes": 0
    }


def test_live_fields_are_of_the_present_and_of_one_customer(consumer: Consumer, api: httpx.Client) -> None:
    consumer.handle(delivered(click(timestamp=now())))
    assert not set(LIVE) & set(api.get("/customers").json()["items"][0])
    assert api.get("/customers", params={"fields": "last_seen_at"}).status_code == 422
    assert api.get("/customers/C1", params={"fields": "last_seen_at", "as_of": "2030-01-01"}).status_code == 422


def test_who_asks_for_no_live_column_does_not_pay_for_it(consumer: Consumer) -> None:
    plan = consumer.rows(
        "explain select customer_id, lifetime_value from business_vault.vw_customer_360 where country = 'DE'"
    )
    assert "live_activity" not in "".join(line for (line,) in plan)


def test_events_are_entries_of_the_timeline(consumer: Consumer, api: httpx.Client) -> None:
    bought = click(
        event_id="E1", timestamp="2026-11-23T12:00:00Z", event_type="purchase", amount="9.9", product_id="P1"
    )
    consumer.handle(delivered(bought, click(event_id="E2", timestamp="2026-11-23T11:00:00Z", session_id="S1")))
    entries = api.get("/customers/C1/timeline").json()["items"]
    assert [(entry["kind"], entry["id"], entry["at"][:19]) for entry in entries] == [
        ("event", "E1", "2026-11-23T12:00:00"),
        ("event", "E2", "2026-11-23T11:00:00"),
    ]
    assert entries[0]["data"] == {"event_type": "purchase", "product_id": "P1", "amount": 9.9, "session_id": None}
    assert api.get("/customers/C1/timeline", params={"kind": "order"}).json()["items"] == []


def test_free_properties_need_the_scope_for_personal_data(consumer: Consumer) -> None:
    consumer.handle(delivered(click(timestamp=now(), properties={"mail": "ann@example.com"})))
    settings = settings_for(role_url(consumer.admin_url, "c360_api"), api_open_scopes="profile:read")
    with served(create_app(settings)) as masked:
        [item] = masked.get("/events/recent").json()["items"]
    assert item["properties"] is None


def test_a_known_customer_without_events_has_no_activity_and_an_unknown_one_no_page(
    consumer: Consumer, api: httpx.Client
) -> None:
    consumer.execute(
        "insert into business_vault.mart_customer_360 (customer_id, total_orders, lifetime_value)"
        " values ('quiet', 0, 0)"
    )
    found = api.get("/customers/quiet/activity").json()
    assert (found["last_seen_at"], found["events_last_day"], found["by_type"]) == (None, 0, [])
    assert api.get("/customers/nobody/activity").status_code == 404
    assert api.get("/customers/a%00b/activity").status_code == 404


def messages_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def test_the_stream_sends_each_event_once_soon_after_it_was_stored(
    consumer: Consumer, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAM_SECONDS", 8)
    consumer.handle(delivered(click(event_id="before", timestamp=now())))
    got: list[str] = []
    with api.stream("GET", "/events/stream", timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        messages = messages_of(answer.iter_lines())
        assert next(messages) == {"items": [], "total": 1}
        for batch in range(3):
            began = time.monotonic()
            consumer.handle(delivered(*(click(event_id=f"{batch}-{n}", timestamp=now()) for n in range(2))))
            message = next(messages)
            assert time.monotonic() - began < 3
            got += [item["event_id"] for item in message["items"]]
            assert message["total"] == 1 + 2 * (batch + 1)
    assert got == [f"{batch}-{n}" for batch in range(3) for n in range(2)]


def test_the_stream_sends_a_batch_that_began_before_another_and_ended_after_it(
    consumer: Consumer, api: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAM_SECONDS", 8)
    late = read_batch(delivered(click(event_id="late", customer_id="C-late", timestamp=now())), datetime.now(UTC))
    with (
        api.stream("GET", "/events/stream", timeout=20) as answer,
        psycopg.connect(consumer.admin_url, options="-c timezone=UTC") as slow,
    ):
        messages = messages_of(answer.iter_lines())
        assert next(messages)["items"] == []
        slow.execute("select now()")
        consumer.handle(delivered(click(event_id="swift", timestamp=now())))
        assert [item["event_id"] for item in next(messages)["items"]] == ["swift"]
        merge(slow, late)
        slow.commit()
        assert [item["event_id"] for item in next(messages)["items"]] == ["late"]
        consumer.handle(delivered(click(event_id="last", timestamp=now())))
        assert [item["event_id"] for item in next(messages)["items"]] == ["last"]


def test_ten_listeners_cost_no_more_than_one_and_each_hears_every_event(
    consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAM_SECONDS", 3)
    app = create_app(settings_for(role_url(consumer.admin_url, "c360_api")))
    asked: list[float] = []
    read_row = app.state.database.read_row

    async def counted(*arguments: Any, **named: Any) -> Any:
        asked.append(time.monotonic())
        return await read_row(*arguments, **named)

    monkeypatch.setattr(app.state.database, "read_row", counted)
    began = threading.Barrier(11)

    def heard(_: int) -> list[str]:
        with (
            httpx.Client(base_url=server.base_url, trust_env=False) as client,
            client.stream("GET", "/events/stream", timeout=20) as answer,
        ):
            messages = messages_of(answer.iter_lines())
            assert next(messages)["items"] == []
            began.wait(10)
            return [item["event_id"] for message in messages for item in message["items"]]

    with served(app) as server, ThreadPoolExecutor(10) as listeners:
        first = time.monotonic()
        found = listeners.map(heard, range(10))
        began.wait(10)
        consumer.handle(delivered(*(click(event_id=f"E{n}", timestamp=now()) for n in range(3))))
        assert [sorted(each) for each in found] == [["E0", "E1", "E2"]] * 10
        assert len(asked) <= (time.monotonic() - first) / event_feed.POLL_SECONDS + 2
        time.sleep(1.5)
        silent = len(asked)
        time.sleep(0.5)
        assert len(asked) == silent, "nobody listens, and it still asks"
