"""The clickstream's counters as the API shows them, looked at again and again while they move."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.errors import DeploymentError
from cli.output import Advance, Output, printable, table

if TYPE_CHECKING:
    from infra.outputs import Outputs

LOOK_SECONDS = 0.5
LINE_SECONDS = 1.0
_NEWEST = 500
_LATENCIES = 20_000
_TIMEOUT_SECONDS = 5
_REDRAWS_PER_SECOND = 8


@dataclass(frozen=True)
class Counters:
    """What the API says of the clickstream. `api_ms`: from an event's timestamp until a look at the API shows it."""

    events: int
    by_type: dict[str, int]
    purchase_amount: Decimal
    active_customers: int
    api_ms: dict[str, float] | None = field(compare=False)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return dict(vars(self))

    def line(self) -> str:
        """For a log."""
        types = ", ".join(f"{name} {count:,}" for name, count in sorted(self.by_type.items())) or "none yet"
        parts = [f"{self.events:,} events ({types})", f"purchases {self.purchase_amount:,}"]
        parts.append(f"{self.active_customers:,} customers active")
        if self.api_ms:
            parts.append(f"event to API p50 {self.api_ms['p50']:,.0f} ms")
        return ", ".join(parts)

    def rows(self) -> list[tuple[str, object]]:
        """For a table."""
        rows: list[tuple[str, object]] = [("events", self.events), *sorted(self.by_type.items())]
        rows += [("purchase amount", f"{self.purchase_amount:,}")]
        rows += [("customers active, last 5 minutes", self.active_customers)]
        if self.api_ms:
            rows.append(("event to API, p50 / p99", f"{self.api_ms['p50']:,.0f} / {self.api_ms['p99']:,.0f} ms"))
        return rows


def feed_of(outputs: "Outputs") -> "Feed":
    """The deployment's API, asked where it answers soonest: the local server, else API Gateway."""
    return Feed(outputs.local_api_url or outputs.api_url, outputs.api_key)


class Feed:
    """Looks at the API at `url`. An event is seen when a look shows it for the first time, among the newest 500."""

    def __init__(self, url: str, api_key: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"x-api-key": api_key} if api_key else {}
        self._direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._seen: frozenset[str] | None = None
        self._latencies: deque[float] = deque(maxlen=_LATENCIES)

    def look(self) -> Counters:
        """The counters now. Raises DeploymentError when the API does not answer."""
        recent = self._get(f"/events/recent?limit={_NEWEST}")["items"]
        now = datetime.now(UTC)
        if self._seen is not None:
            fresh = (each for each in recent if each["event_id"] not in self._seen)
            self._latencies += ((now - datetime.fromisoformat(each["occurred_at"])).total_seconds() for each in fresh)
        self._seen = frozenset(each["event_id"] for each in recent)
        summary = self._get("/events/summary")
        return Counters(
            events=summary["total"],
            by_type={each["event_type"]: each["event_count"] for each in summary["by_type"]},
            purchase_amount=sum((each["total_purchase_amount"] for each in summary["by_type"]), Decimal("0.00")),
            active_customers=summary["active_customers"],
            api_ms=self.latency_ms(),
        )

    def latency_ms(self) -> dict[str, float] | None:
        """p50, p95, p99 and the most of the events seen so far; None of fewer than two."""
        from cli.events.kafka_producer import percentiles

        return percentiles(list(self._latencies))

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(f"{self._url}{path}", headers=self._headers)  # noqa: S310
        try:
            with self._direct.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                return json.load(answer, parse_float=Decimal)
        except urllib.error.HTTPError as error:
            raise DeploymentError(f"the API answered {error.code} to {self._url}{path}") from error
        except (OSError, ValueError) as error:
            raise DeploymentError(f"the API does not answer at {self._url}: {error}") from error


class _Board:
    """What people see: bars of what is known to end, and the last counters."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._bars = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        )
        self._tasks: dict[str, Any] = {}
        self._counters: Counters | None = None
        self._trouble: str | None = None

    def advance(self, name: str, done: int, total: int) -> None:
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(printable(name), total=total)
        self._bars.update(self._tasks[name], completed=done)

    def look(self) -> str:
        """Look once more; the counters as a line, or what is wrong."""
        try:
            self._counters, self._trouble = self._feed.look(), None
            return self._counters.line()
        except DeploymentError as error:
            self._trouble = printable(error.message)
            return error.message

    def __rich__(self) -> RenderableType:
        rows = self._counters.rows() if self._counters else []
        parts: list[RenderableType] = [self._bars] if self._tasks else []
        parts.append(table(["live counters", ""], rows))
        return Group(*parts, *([self._trouble] if self._trouble else []))


@contextmanager
def display(output: Output, feed: Feed) -> Iterator[Advance]:
    """Show the counters while the body works: redrawn on a terminal, a line a second at most elsewhere, none as JSON.

    Yields what reports how far the body is. An API that does not answer is reported, and asked again.
    """
    board = _Board(feed)
    if output.is_watched:
        redrawn = Live(board, console=output.progress, refresh_per_second=_REDRAWS_PER_SECOND, transient=True)
        with redrawn, _looking(board, _silent):
            yield board.advance
    else:
        report = _silent if output.as_json else output.say
        with output.advancing("messages") as advance, _looking(board, report):
            yield advance


def _silent(_line: str) -> None:
    pass


@contextmanager
def _looking(board: _Board, report: Callable[[str], None]) -> Iterator[None]:
    """Look while the body works, and once more after it: the last line says how it ended."""
    ended = threading.Event()

    def look() -> None:
        reported, reported_at = "", 0.0
        is_last = False
        while not is_last:
            is_last = ended.is_set()
            line = board.look()
            if line != reported and (is_last or time.monotonic() - reported_at >= LINE_SECONDS):
                report(line)
                reported, reported_at = line, time.monotonic()
            ended.wait(LOOK_SECONDS)

    thread = threading.Thread(target=look, name="live counters", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
