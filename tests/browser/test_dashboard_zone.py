"""Days and hours of a reporting time zone that changes its clocks, in a browser that lives in another one."""

import calendar
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psycopg
import pytest
from playwright.sync_api import Browser, expect

from functions.api.app import create_app
from functions.load.marts.rebuild import rebuild
from functions.load.schema.migrate import migrate
from functions.model.metrics import load_metrics
from local.servers.postgres import PostgresServer
from tests.support import clock_changes, night, night_files, oracle
from tests.support.browser_visit import Visit
from tests.support.database import fresh_database
from tests.support.page_figures import panels_of
from tests.support.served_api import served, settings_for

ZONE = "America/New_York"
ELSEWHERE = "Pacific/Auckland"
CHANGED = date(2025, 11, 2)
"""The day of 25 hours in New York: it has one o'clock twice."""
NIGHTS = [*night_files.nights(), [(f"transactions/dt={night_files.DAY_2}/z.csv", clock_changes.orders())]]
LINES = oracle.marts(file for files in NIGHTS for file in files).lines


@pytest.fixture(scope="module")
def zoned(postgres_server: PostgresServer) -> Iterator[httpx.Client]:
    """The page over nights around the changes, its figures of the zone."""
    with fresh_database(postgres_server) as url:
        night.load_nights(url, NIGHTS)
        with psycopg.connect(url) as connection:
            migrate(connection, {}, layer=load_metrics().model_copy(update={"time_zone": ZONE}))
        with psycopg.connect(night.role_url(url, "c360_loader")) as connection:
            rebuild(connection)
        with served(create_app(settings_for(night.role_url(url, "c360_api")))) as client:
            yield client


@pytest.fixture
def abroad(browser: Browser) -> Iterator[Visit]:
    """A page in a browser of another zone."""
    with browser.new_context(
        viewport={"width": 1280, "height": 1000}, timezone_id=ELSEWHERE, locale="en-US"
    ) as context:
        visit = Visit(context.new_page())
        yield visit
        assert visit.unexpected() == []


def _local(ordered: datetime) -> datetime:
    return ordered.astimezone(ZoneInfo(ZONE))


def _of_the_day() -> list[tuple[Any, ...]]:
    return [line for line in LINES if _local(line[4]).date() == CHANGED]


def test_days_and_hours_are_those_of_the_reporting_zone(zoned: httpx.Client, abroad: Visit) -> None:
    abroad.page.goto(f"{zoned.base_url}/dashboard")
    panels = panels_of(abroad.page)
    days: dict[date, Decimal] = defaultdict(Decimal)
    hours: dict[tuple[int, int], set[str]] = defaultdict(set)
    for line in LINES:
        ordered = _local(line[4])
        days[ordered.date()] += line[7]
        hours[ordered.isoweekday(), ordered.hour].add(line[0])
    shown = {row[0]: row[2] for row in panels["revenue-by-day"]}
    assert shown == {f"{day:%b} {day.day}, {day.year}": _money(amount) for day, amount in days.items()}
    assert {(int(row[0]), int(row[1])): int(row[2]) for row in panels["orders-by-hour"]} == {
        key: len(orders) for key, orders in hours.items()
    }


def _money(amount: Decimal) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def test_the_day_of_25_hours_is_one_day_for_filter_drill_down_list_and_export(
    zoned: httpx.Client, abroad: Visit
) -> None:
    lines = _of_the_day()
    revenue = sum((line[7] for line in lines), Decimal(0))
    abroad.page.goto(f"{zoned.base_url}/dashboard?since={CHANGED}&until={CHANGED}")
    card = abroad.page.locator("[data-card='overview/revenue'] .big")
    expect(card).to_have_attribute("title", _money(revenue))
    mark = abroad.page.locator("[data-panel='orders-by-hour'] td button[aria-label^='Sun 1:00']")
    twice = {line[0]: _local(line[4]).utcoffset() for line in lines if _local(line[4]).hour == 1}
    assert len(set(twice.values())) == 2, "before the change and after it"
    expect(mark).to_have_attribute("aria-label", f"Sun 1:00: {len(twice)} orders")
    mark.click()
    dialog = abroad.page.get_by_role("dialog")
    expect(dialog.locator(".big")).to_have_text(str(len(twice)))
    rows = dialog.get_by_role("group", name="Rows behind the figure")
    times = {row.inner_text().replace("\u202f", " ") for row in rows.locator("tbody td:nth-child(2)").all()}
    assert {time.partition(", 2025, ")[2] for time in times} == {"1:00 AM", "1:30 AM"}
    dialog.get_by_role("link", name="Open these rows as a list").click()
    expect(abroad.page.locator(".panel").get_by_role("status")).to_contain_text(f"{len(twice)} order lines")
    csv = zoned.get("/metrics/revenue-by-day/csv", params={"since": str(CHANGED), "until": str(CHANGED)}).text
    [row] = csv.splitlines()[1:]
    assert row.startswith(f"{CHANGED},{len({line[0] for line in lines})},{revenue}")


def test_the_list_shows_times_of_the_reporting_zone(zoned: httpx.Client, abroad: Visit) -> None:
    abroad.page.goto(f"{zoned.base_url}/dashboard?page=orders&since={CHANGED}&until={CHANGED}&sort=order_date")
    first = _local(min(line[4] for line in _of_the_day()))
    cell = abroad.page.locator("tbody tr").first.locator("td").nth(1)
    expect(cell).to_contain_text(f"{first:%b} {first.day}, {first.year}")
    expect(cell).to_contain_text(f"{first.hour % 12 or 12}:{first:%M}")
    assert first.astimezone(UTC).date() == CHANGED
    expect(abroad.page.get_by_role("status").first).to_contain_text(f"({ZONE})")


def test_weekdays_are_named_alike_in_every_zone(zoned: httpx.Client, abroad: Visit) -> None:
    abroad.page.goto(f"{zoned.base_url}/dashboard")
    rows = abroad.page.locator("[data-panel='orders-by-hour'] tbody th")
    expect(rows).to_have_text(list(calendar.day_abbr))
