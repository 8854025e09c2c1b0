"""The counters that `c360 events watch`, `produce` and `demo` show: those of the API, moving."""

import io
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from unittest.mock import Mock

import pytest
from rich.console import Console

from cli.errors import DeploymentError
from cli.events import live_counters
from cli.events.live_counters import Feed, display
from cli.main import run_command
from cli.output import Output
from functions.api import middleware
from functions.api.app import create_app
from tests.support.command_line import outputs_of
from tests.support.kafka_messages import click, delivered
from tests.support.night import role_url
from tests.support.served_api import served, settings_for
from tests.support.stream_consumer import Consumer


def now() -> str:
    return datetime.now(UTC).isoformat()


@pytest.fixture
def api_url(consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The API, served by uvicorn, silent since it shares the command's output here."""
    monkeypatch.setattr(middleware, "logger", Mock())
    with served(create_app(settings_for(role_url(consumer.admin_url, "c360_api")))) as client:
        yield str(client.base_url)


def test_the_counters_are_those_of_the_api_and_latency_is_of_what_a_look_found_first(
    consumer: Consumer, api_url: str
) -> None:
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    consumer.handle(delivered(click(timestamp=an_hour_ago), click(timestamp=an_hour_ago)))
    feed = Feed(api_url)
    first = feed.look()
    assert (first.events, first.by_type, first.active_customers) == (2, {"page_view": 2}, 0)
    assert first.purchase_amount == 0
    assert first.api_ms is None, "what was there before was not waited for"
    consumer.handle(
        delivered(*(click(timestamp=now(), event_type="purchase", amount="0.1", customer_id=f"C{n}") for n in range(3)))
    )
    time.sleep(0.3)
    second = feed.look()
    assert (second.events, second.by_type) == (5, {"page_view": 2, "purchase": 3})
    assert (second.purchase_amount, second.active_customers) == (Decimal("0.30"), 3)
    assert second.api_ms is not None
    assert 300 <= second.api_ms["p50"] < 3000
    assert feed.look().api_ms == second.api_ms


def test_lines_tell_every_change_until_the_last(
    consumer: Consumer, api_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with display(Output(as_json=False), Feed(api_url)) as advance:
        for number in range(1, 4):
            time.sleep(0.8)
            consumer.handle(delivered(click(timestamp=now())))
            advance("sent", number, 3)
    lines = capsys.readouterr().err.splitlines()
    counted = [line for line in lines if "customers active" in line]
    assert len(counted) >= 2
    assert len(counted) == len(set(counted))
    assert counted[-1].startswith("3 events (page_view 3), purchases 0")
    assert "sent: 3 messages" in lines


def test_a_terminal_shows_bars_and_counters(consumer: Consumer, api_url: str) -> None:
    output, screen = Output(as_json=False), io.StringIO()
    output.progress = Console(file=screen, force_terminal=True, width=100)
    with display(output, Feed(api_url)) as advance:
        consumer.handle(delivered(click(timestamp=now(), event_type="purchase", amount="1234.5")))
        advance("sent", 1, 2)
        time.sleep(1.2)
    drawn = screen.getvalue()
    for part in ("sent", "1/2", "customers active", "purchase amount", "1,234.50"):
        assert part in drawn


def test_with_json_nothing_is_told(consumer: Consumer, api_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with display(Output(as_json=True), Feed(api_url)):
        consumer.handle(delivered(click(timestamp=now())))
        capsys.readouterr()  # the handler's log
        time.sleep(0.7)
    assert capsys.readouterr() == ("", "")


def test_an_api_that_is_away_is_told_and_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    away = Feed("http://127.0.0.1:1")
    with pytest.raises(DeploymentError, match="does not answer"):
        away.look()
    with display(Output(as_json=False), away):
        time.sleep(0.1)
    assert "the API does not answer" in capsys.readouterr().err


def _watching(monkeypatch: pytest.MonkeyPatch, api_url: str) -> None:
    from cli import deployment

    found = deployment.deployment_of(outputs_of(local_api_url=api_url))
    monkeypatch.setattr(deployment, "open_deployment", lambda _target: found)


def test_watching_ends_with_its_duration_and_one_object(
    consumer: Consumer, api_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _watching(monkeypatch, api_url)
    consumer.handle(delivered(click(timestamp=now(), event_type="purchase", amount="2.5")))
    capsys.readouterr()  # the handler's log
    assert run_command(["events", "watch", "--duration", "0.1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "events": 1,
        "by_type": {"purchase": 1},
        "purchase_amount": "2.50",
        "active_customers": 1,
        "api_ms": None,
    }


def test_ctrl_c_ends_watching_with_the_last_counters(
    consumer: Consumer, api_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _watching(monkeypatch, api_url)
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)  # as a shell has it for what runs behind it

    @contextmanager
    def displayed(output: Output, feed: Feed) -> Iterator[None]:
        with display(output, feed):
            threading.Timer(0.3, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
            yield

    monkeypatch.setattr(live_counters, "display", displayed)
    try:
        assert run_command(["events", "watch"]) == 0
    finally:
        signal.signal(signal.SIGINT, ignored)
    said = capsys.readouterr()
    assert "customers active, last 5 minutes" in said.out
    assert "interrupted" not in said.err
    assert not [thread for thread in threading.enumerate() if thread.name == "live counters"]
