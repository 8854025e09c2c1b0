"""`python -m tests.browser.measures`: how quick and how heavy the dashboard is, in a real Chromium.

On marts of the sample's size, and of ten times it: cold openings, interactions, the page's weight, the query of each
panel, and the latency of the API while ten browsers refresh. Needs a Chromium and `make install`.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import LiteralString
from urllib.parse import urlsplit

import httpx
import psycopg
from playwright.sync_api import Browser, Page
from psycopg.conninfo import make_conninfo

from benchmarks.api import panels
from functions.model.metrics import Metric, load_metrics
from local import processes
from local.servers.api_server import ApiServer
from local.servers.postgres import PostgresServer
from tests.support.chromium import MISSING, find_chromium, running_chromium

OPENINGS = 7
BROWSERS = 10
ROUNDS = 4
SECONDS = 12
PAUSE_SECONDS = 0.02
START_SECONDS = 3
APPLY = {
    "a month": "since", "a segment": "segment", "a state": "state", "a category": "category", "a status": "status",
}  # fmt: skip
"""What `panels` filters by -> the filter of the metric layer."""
PUBLISHED = b"""
insert into metadata.load_run (run_id, execution_arn, status, started_at) values ('bench', 'arn', 'SUCCEEDED', now());
insert into metadata.mart_publication (mart, run_id, published_at, rows)
select 'mart_customer_360', 'bench', now(), count(*) from business_vault.mart_customer_360;
"""
WATCH = """
window.seen = 0; window.slowest = 0;
const look = () => {
    if (document.querySelector("[data-card='overview/revenue'] .big[title]")) window.seen = performance.now();
    else requestAnimationFrame(look);
};
requestAnimationFrame(look);
new PerformanceObserver(list => {
    for (const entry of list.getEntries())
        if (entry.interactionId) window.slowest = Math.max(window.slowest, entry.duration);
}).observe({type: "event", durationThreshold: 16, buffered: true});
"""
"""In ms: when the revenue is there, from the start of the navigation; the slowest interaction, to its next paint."""
HOLD = """
const [frame, wait] = [requestAnimationFrame.bind(window), setTimeout.bind(window)];
window.requestAnimationFrame = then => window.seen ? 0 : frame(then);
window.setTimeout = (then, delay, ...given) => window.seen && !delay ? 0 : wait(then, delay, ...given);
"""
"""What would be drawn after the first figures is not."""


@contextmanager
def filled(server: PostgresServer, scale: int) -> Iterator[str]:
    """The administrator's URL of a database of that scale."""
    name = f"times_{scale}"
    with psycopg.connect(server.url_for("postgres"), autocommit=True) as admin:
        admin.execute(f'create database "{name}"'.encode())
    url = server.url_for(name)
    panels.fill(url, scale)
    with psycopg.connect(url) as connection:
        connection.execute(PUBLISHED)
    yield url


@contextmanager
def served(folder: Path, url: str) -> Iterator[str]:
    """The address of the API as `c360 up` starts it, when it has had the time to get ready."""
    server = ApiServer(folder / "note", processes.free_port(), folder / "log")
    server.start(make_conninfo(url, user="c360_api", password=panels.PASSWORD))
    try:
        time.sleep(START_SECONDS)
        yield server.url
    finally:
        server.stop()


def query_times(url: str) -> dict[str, tuple[float, float]]:
    """For each panel the milliseconds of its query without a filter, and of its slowest one with one.

    Of processor time where the system tells it, so that nothing else on the machine counts; each query has one process.
    """
    found = {}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set role c360_api")
        connection.execute("set max_parallel_workers_per_gather = 0")
        for metric in load_metrics().metrics.values():
            filters = [panels.FILTERS[name] for name in APPLY if APPLY[name] in metric.filters]
            times = [_query_time(connection, metric, chosen) for chosen in ("", *filters)]
            found[metric.name] = (times[0], max(times[1:], default=times[0]))
    return found


def _query_time(connection: psycopg.Connection, metric: Metric, filters: LiteralString) -> float:
    clock = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    if not clock.is_file():
        return panels.milliseconds(connection, metric, filters)
    taken = []
    for _ in range(3):
        began = int(clock.read_text().split()[0])
        panels.run(connection, metric, filters)
        taken.append((int(clock.read_text().split()[0]) - began) / 1e6)
    return min(taken)


def opened(browser: Browser, address: str) -> tuple[float, Page]:
    """Milliseconds until the figures are there, in a browser that knows nothing yet; and its page."""
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_function("() => window.seen > 0")
    return float(page.evaluate("() => window.seen")), page


def work(browser: Browser, address: str) -> float:
    """Milliseconds of processor time of the page's main thread until the figures are there, busy machine or not."""
    page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.add_init_script(HOLD + WATCH)
    page.goto(address)
    page.wait_for_function("() => window.seen > 0", polling=30)
    found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    page.context.close()
    return float(found["TaskDuration"]) * 1000


def weight(browser: Browser, address: str) -> tuple[float, float]:
    """Compressed kB of the page's files, and of the first figures."""
    page = browser.new_context().new_page()
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    paths: dict[str, str] = {}
    sizes: dict[str, float] = {}
    network.on("Network.responseReceived", lambda each: paths.update({each["requestId"]: each["response"]["url"]}))
    network.on("Network.loadingFinished", lambda each: sizes.update({each["requestId"]: each["encodedDataLength"]}))
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_function("() => window.seen > 0")
    page.wait_for_timeout(500)
    files = [size for key, size in sizes.items() if urlsplit(paths[key]).path.startswith("/dashboard")]
    page.context.close()
    return sum(files) / 1000, (sum(sizes.values()) - sum(files)) / 1000


def slowest_interaction(page: Page) -> float:
    """Milliseconds from a click to the next paint, of the slowest of these clicks."""
    for name in ("Table", "Chart"):
        for panel in ("revenue-by-day", "orders-by-status", "orders-by-hour"):
            page.locator(f"[data-panel='{panel}']").get_by_role("button", name=name, exact=True).click()
            page.wait_for_timeout(150)
    for mark in ("[data-panel='orders-by-status'] .mark .catch", "[data-panel='revenue-by-category'] .mark .catch"):
        page.locator(mark).first.click()
        page.get_by_role("dialog").locator("[data-sum]").wait_for()
        page.keyboard.press("Escape")
        page.wait_for_timeout(150)
    page.locator("summary", has_text="Segment").click()
    page.get_by_label("Gold", exact=True).check()
    page.wait_for_timeout(1_000)
    return float(page.evaluate("() => window.slowest"))


def _latencies(base: str) -> list[float]:
    """Of one customer's profile, in ms, asked for at an even pace."""
    taken: list[float] = []
    with httpx.Client(base_url=base, trust_env=False) as client:
        ids = [each["customer_id"] for each in client.get("/customers?limit=100").json()["items"]]
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            began = time.perf_counter()
            client.get(f"/customers/{ids[len(taken) % len(ids)]}").raise_for_status()
            taken.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_SECONDS)
    return taken


def p99_beside(pages: list[Page], base: str) -> tuple[float, float]:
    """The API's p99 while the pages are frozen, and while they refresh; in turns, as the machine has other work."""
    states = {"frozen": list[float](), "active": list[float]()}
    sessions = [page.context.new_cdp_session(page) for page in pages]
    for _ in range(ROUNDS):
        for state, taken in states.items():
            for session in sessions:
                session.send("Page.setWebLifecycleState", {"state": state})
            taken += _latencies(base)
    alone, beside = (statistics.quantiles(taken, n=100, method="inclusive")[98] for taken in states.values())
    return alone, beside


def in_the_browser(browser: Browser, base: str) -> str:
    """Openings, interactions, weight, and the API beside ten browsers, as text."""
    address = f"{base}/dashboard"
    first, page = opened(browser, address)
    page.context.close()
    openings: list[float] = []
    for _ in range(OPENINGS):
        taken, page = opened(browser, address)
        openings.append(taken)
        if len(openings) < OPENINGS:
            page.context.close()
    slowest = slowest_interaction(page)
    page.context.close()
    median = statistics.median(openings)
    files, figures = weight(browser, address)
    worked = min(work(browser, address) for _ in range(OPENINGS))
    with ExitStack() as stack:
        pages = [opened(browser, address)[1] for _ in range(BROWSERS)]
        for page in pages:
            stack.callback(page.context.close)
        alone, beside = p99_beside(pages, base)
    return "\n".join(
        [
            f"{f'with {os.cpu_count()} processors, {os.getloadavg()[0]:.0f} processes at work':55}measured     goal",
            f"cold open to figures, the first after the start, ms    {first:8.0f}      500",
            f"cold open to figures, median of {OPENINGS}, ms                 {median:8.0f}      500",
            f"work of the page until then, ms of processor           {worked:8.0f}",
            f"slowest interaction to next paint, ms                  {slowest:8.0f}      100",
            f"page weight, compressed, kB                            {files:8.1f}      100",
            f"first figures, compressed, kB                          {figures:8.1f}",
            f"API p99, none refreshing, ms                            {alone:8.1f}",
            f"API p99, {BROWSERS} browsers refreshing, ms                    {beside:8.1f} {alone * 1.2:8.1f}",
        ]
    )


def table(once: dict[str, tuple[float, float]], tenfold: dict[str, tuple[float, float]]) -> str:
    """Milliseconds of each panel's query at both sizes."""
    lines = ["query of each panel, ms       100,000 lines, one filter  1,000,000 lines, one filter"]
    for name, (everything, filtered) in once.items():
        ten, ten_filtered = tenfold[name]
        lines.append(f"{name:30}{everything:13.0f}{filtered:12.0f}{ten:17.0f}{ten_filtered:12.0f}")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    chromium = find_chromium()
    if chromium is None:
        sys.exit(f"measures: {MISSING}")
    with tempfile.TemporaryDirectory(prefix="c360-measures-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)  # PostgreSQL, which never runs as root, must enter
        server = PostgresServer(folder / "postgres")
        with server.running():
            with filled(server, 1) as url:
                once = query_times(url)
                with served(folder, url) as base, running_chromium(chromium) as browser:
                    sys.stdout.write(in_the_browser(browser, base) + "\n\n")
            with filled(server, 10) as url:
                tenfold = query_times(url)
        sys.stdout.write(table(once, tenfold) + "\n")


if __name__ == "__main__":
    main()
