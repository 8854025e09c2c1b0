"""Every live figure is explained by exactly the events that it counts."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from functions.api.app import create_app
from functions.model.metrics import load_metrics
from tests.support.kafka_messages import click, delivered
from tests.support.night import role_url
from tests.support.served_api import served, settings_for
from tests.support.stream_consumer import Consumer

METRICS = load_metrics().metrics
LIVE = [(name, column) for name in ("live-totals", "live-events") for column in METRICS[name].columns]


def _ago(**before: float) -> str:
    return (datetime.now(UTC) - timedelta(**before)).isoformat()


@pytest.fixture
def api(consumer: Consumer) -> Iterator[httpx.Client]:
    """The API, and what five customers did: of the first two, the last event is of this moment."""
    last = _ago(seconds=10)
    consumer.handle(
        delivered(
            click(event_id="same", customer_id="C1", timestamp=last),
            click(event_id="last", customer_id="C1", timestamp=last, event_type="purchase", amount="0.1"),
            click(event_id="seen", customer_id="C2", timestamp=_ago(seconds=30), event_type="purchase", amount="2.25"),
            click(event_id="past", customer_id="C2", timestamp=_ago(minutes=4), product_id="P1", amount="7"),
            click(event_id="gone", customer_id="C3", timestamp=_ago(minutes=6)),
            click(event_id="ahead", customer_id="C4", timestamp=_ago(hours=-3)),
            click(event_id="free", customer_id="C5", timestamp=_ago(days=2), event_type="purchase"),
        )
    )
    with served(create_app(settings_for(role_url(consumer.admin_url, "c360_api")))) as client:
        yield client


def _get(api: httpx.Client, path: str, **query: Any) -> Any:
    answer = api.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


def _all_events(api: httpx.Client, panel: str, **query: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first page, and the events of all pages of two."""
    first = page = _get(api, f"/metrics/{panel}/explain", limit=2, **query)
    items = page["items"]
    while page["next"] is not None:
        page = json.loads(api.get(page["next"]).text, parse_float=Decimal)
        items = items + page["items"]
    return first, items


def test_every_live_figure_is_explained(api: httpx.Client) -> None:
    grain = METRICS["live-events"].grain
    assert [each for each in LIVE if not METRICS[each[0]].explained_by(each[1])] == [("live-events", *grain)]


def test_the_counters_lead_to_their_events(api: httpx.Client) -> None:
    for item in _get(api, "/metrics/live-events")["items"]:
        kind = item["event_type"]
        first, events = _all_events(api, "live-events", column="event_count", event_type=kind)
        wanted = {"page_view": {"same", "past", "gone", "ahead"}, "purchase": {"last", "seen", "free"}}[kind]
        assert {event["event_id"] for event in events} == wanted
        assert first["value"] == first["sum"] == first["total"] == len(events) == item["event_count"]
        first, events = _all_events(api, "live-events", column="total_purchase_amount", event_type=kind)
        assert first["value"] == first["sum"] == item["total_purchase_amount"]
        assert sum(event["counts"] for event in events) == first["sum"] == (Decimal("2.35") if len(events) == 3 else 0)
        first, events = _all_events(api, "live-events", column="last_event_time", event_type=kind)
        assert [event["event_id"] for event in events] == [{"page_view": "ahead", "purchase": "last"}[kind]]
        assert first["value"] == item["last_event_time"] == events[0]["occurred_at"]
    first, events = _all_events(api, "live-totals", column="events")
    assert first["value"] == first["sum"] == len(events) == 7
    assert [event["occurred_at"] for event in events] == sorted(event["occurred_at"] for event in events)


def test_active_customers_are_those_whose_last_events_are_shown(api: httpx.Client) -> None:
    first, events = _all_events(api, "live-totals", column="active_customers")
    assert first["value"] == first["sum"] == 2 == _get(api, "/metrics/live-totals")["active_customers"]
    # of two events at one instant it is the one whose type the profile shows
    shown = _get(api, "/customers/C1/activity")["last_event_type"]
    last = {"purchase": "last", "page_view": "same"}[shown]
    assert {(event["customer_id"], event["event_id"]) for event in events} == {("C1", last), ("C2", "seen")}


def test_an_event_names_its_place_in_kafka_and_no_file(api: httpx.Client, consumer: Consumer) -> None:
    first, events = _all_events(api, "live-totals", column="events")
    offsets = dict(consumer.rows("select event_id, record_row from raw_vault.link_customer_event"))
    assert {event["event_id"]: event["kafka_offset"] for event in events} == offsets
    assert [(each["file"], each["rows"]) for each in first["files"]] == [(None, 7)]


def test_live_explanations_are_never_kept(api: httpx.Client, consumer: Consumer) -> None:
    answer = api.get("/metrics/live-totals/explain?column=events")
    assert "etag" not in answer.headers
    consumer.handle(delivered(click(event_id="new", customer_id="C9", timestamp=_ago(seconds=1))))
    assert _get(api, "/metrics/live-totals/explain", column="events")["value"] == 8


def test_what_retention_removed_stays_counted_and_the_words_say_so(api: httpx.Client, consumer: Consumer) -> None:
    consumer.execute("delete from raw_vault.link_customer_event where event_id = 'free'")
    first, events = _all_events(api, "live-totals", column="events")
    assert (first["value"], first["sum"], len(events)) == (7, 6, 6)
    assert "retention" in first["words"]
