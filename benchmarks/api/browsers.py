"""Ten browsers that show the dashboard's first page, each asking for its figures every ten seconds as that does, and
what they cost who asks for one customer."""

import statistics
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from benchmarks.api import goals
from benchmarks.api.load_generator import load

BROWSERS = 10
EVERY_SECONDS = 10.0
PANELS = (
    "overview,revenue-by-day,orders-by-status,customers-by-segment,revenue-by-state,revenue-by-category,top-products,"
    "orders-by-hour,live-totals,live-events,pipeline-health,filter-options"
)


@contextmanager
def refreshing(port: int) -> Iterator[None]:
    """So many browsers are open, their refreshes spread over the ten seconds, until the block ends."""
    closed = threading.Event()

    def browser(place: int) -> None:
        tag: str | None = None
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
            closed.wait(EVERY_SECONDS * place / BROWSERS)
            while not closed.is_set():
                answer = client.get(f"/metrics?panels={PANELS}", headers={"If-None-Match": tag} if tag else {})
                tag = answer.headers.get("etag", tag)
                closed.wait(EVERY_SECONDS)

    with ExitStack() as stack:
        for place in range(BROWSERS):
            each = threading.Thread(target=browser, args=(place,))
            each.start()
            stack.callback(each.join)
        stack.callback(closed.set)
        yield


def beside_browsers(port: int, paths: list[str], *, rounds: int, seconds: int) -> list[str]:
    """Lines: the p99 of one customer alone and beside the browsers, in turns, and what the goal is."""
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(load(port, paths, connections=1, seconds=seconds).p99)
        with refreshing(port):
            beside.append(load(port, paths, connections=1, seconds=seconds).p99)
    times = statistics.median(each / other for each, other in zip(beside, alone, strict=True))
    without, with_them = statistics.median(alone), statistics.median(beside)
    return [
        f"one customer: p99 {without:.1f} ms, beside {BROWSERS} browsers that refresh {with_them:.1f} ms",
        goals.at_most(f"p99 of one customer beside {BROWSERS} browsers, times", times, 1.2),
    ]
