"""What the API shows of the clickstream."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import uvicorn
from pydantic import SecretStr

from functions.api import events
from functions.api.app import create_app
from functions.api.settings import ApiSettings
from tests.pipeline.night import role_url
from tests.stream.consumer import Consumer
from tests.stream.messages import click, delivered


def now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture
def api(consumer: Consumer) -> Iterator[httpx.Client]:
    """A client of the API, served by uvicorn, signed in as c360_api."""
    app = create_app(ApiSettings(database_url=SecretStr(role_url(consumer.admin_url, "c360_api"))))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False) as client:
            yield client
        server.should_exit = True
        thread.join()
    app.state.database.close()


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
