"""The dashboard in a real browser, over two nights of CSVs: every figure is what plain Python computes from them."""

import calendar
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard, money


def test_the_cards_show_the_sums_of_the_files(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    shop = dashboard.shop
    for column, text in (("customers", f"{len(shop.customers):,}"), ("orders", f"{shop.orders():,}")):
        expect(visit.page.locator(f"[data-card='overview/{column}'] .big")).to_have_text(text)
    revenue = visit.page.locator("[data-card='overview/revenue'] .big")
    expect(revenue).to_have_attribute("title", money(shop.revenue()))


@pytest.mark.parametrize(
    ("panel", "key"), [("revenue-by-category", "category"), ("orders-by-status", "status")], ids=["bars", "donut"]
)
def test_each_mark_is_reached_by_tab_and_says_its_value(
    dashboard: Dashboard, visit: Visit, panel: str, key: str
) -> None:
    visit.page.goto(dashboard.address())
    marks = visit.page.locator(f"[data-panel='{panel}'] .mark")
    groups = dashboard.shop.grouped(key)
    expect(marks).to_have_count(len(groups))
    for name, lines in groups.items():
        value = f"{dashboard.shop.orders(lines):,} (" if key == "status" else f"${dashboard.shop.revenue(lines):,.0f}"
        mark = visit.page.locator(f"[data-panel='{panel}'] .mark[aria-label^='{name}: {value}']")
        expect(mark).to_have_attribute("tabindex", "0")


def _labels(marks: Locator) -> set[str]:
    return set(marks.evaluate_all("marks => marks.map(mark => mark.getAttribute('aria-label'))"))


def _mean(days: dict[datetime, Decimal], day: datetime) -> str:
    """What is said of the week that ends with the day; nothing in the first six days of all."""
    if day < min(days) + timedelta(days=6):
        return ""
    week = sum((days.get(day - timedelta(days=age), Decimal(0)) for age in range(7)), Decimal(0)) / 7
    return f", mean of 7 days {money(week.quantize(Decimal('0.01'), ROUND_HALF_UP))}"


def test_each_day_and_each_hour_show_what_the_files_say(dashboard: Dashboard, visit: Visit) -> None:
    shop = dashboard.shop
    visit.page.goto(dashboard.address())
    points = visit.page.locator("[data-panel='revenue-by-day'] .mark")
    expect(points.first).to_be_visible()
    days = {datetime.fromisoformat(day): shop.revenue(lines) for day, lines in shop.grouped("day").items()}
    expected = {f"{day:%b} {day.day}, {day.year}: {money(revenue)}{_mean(days, day)}" for day, revenue in days.items()}
    shown = _labels(points)
    assert expected <= shown
    assert all(label.endswith(": $0.00") for label in shown - expected), "days without orders"
    hours: dict[str, set[str]] = {}
    for line in shop.lines:
        at = datetime.fromisoformat(line["order_date"])
        hours.setdefault(f"{calendar.day_abbr[at.weekday()]} {at.hour}:00", set()).add(line["transaction_id"])
    cells = visit.page.locator("[data-panel='orders-by-hour'] td button")
    assert _labels(cells) == {f"{hour}: {len(orders):,} orders" for hour, orders in hours.items()}


@pytest.mark.parametrize(("panel", "key"), [("revenue-by-state", "state"), ("revenue-by-category", "category")])
def test_the_table_of_a_chart_has_every_figure_to_the_cent(
    dashboard: Dashboard, visit: Visit, panel: str, key: str
) -> None:
    visit.page.goto(dashboard.address())
    box = visit.page.locator(f"[data-panel='{panel}']")
    box.get_by_role("button", name="Table").click()
    if (more := box.get_by_role("button", name="Show all")).count():
        more.click()
    rows = {" | ".join(row.inner_text().split("\t")) for row in box.locator("tbody tr").all()}
    groups = dashboard.shop.grouped(key)
    assert len(rows) == len(groups)
    for name, lines in groups.items():
        assert any(name in row and row.endswith(money(dashboard.shop.revenue(lines))) for row in rows), name


def test_the_top_products_are_those_of_most_revenue(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    revenue = {key: dashboard.shop.revenue(lines) for key, lines in dashboard.shop.grouped("product").items()}
    best = sorted(revenue, key=lambda key: (-revenue[key], key))[:20]
    rows = visit.page.locator("[data-panel='top-products'] tbody tr")
    expect(rows).to_have_count(20)
    shown = [row.locator("td") for row in rows.all()]
    assert [(cells.first.inner_text(), cells.last.inner_text()) for cells in shown] == [
        (key, money(revenue[key])) for key in best
    ]


def test_the_last_30_days_are_compared_with_the_30_before(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    change = round(dashboard.shop.change_in_30_days() * 100, 1)
    card = visit.page.locator("[data-card='overview/revenue'] .change")
    expect(card).to_have_text(f"{'▲' if change >= 0 else '▼'} {change:+,}%")


def test_a_filter_lives_in_the_address_and_narrows_every_figure(dashboard: Dashboard, visit: Visit) -> None:
    segment, lines = next((name, lines) for name, lines in dashboard.shop.grouped("segment").items() if name)
    visit.page.goto(dashboard.address(f"?segment={segment}"))
    revenue = visit.page.locator("[data-card='overview/revenue'] .big")
    expect(revenue).to_have_attribute("title", money(dashboard.shop.revenue(lines)))


def test_the_pipeline_accounts_for_every_row(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address("?page=pipeline"))
    rows = visit.page.get_by_role("group", name="Runs", exact=True).locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="adds up")).to_have_count(2)
    waiting = visit.page.get_by_role("group", name="Rows in quarantine")
    expect(waiting).to_contain_text("quantity.type")
    visit.page.get_by_role("button", name="History of rows.rejected").click()
    expect(visit.page.get_by_role("group", name="History of rows.rejected").locator("tbody tr")).to_have_count(2)


def test_what_is_shown_is_saved_as_csv_and_png(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    box = visit.page.locator("[data-panel='orders-by-status']")
    with visit.page.expect_download() as csv:
        box.get_by_role("button", name="CSV").click()
    assert csv.value.path().read_bytes().startswith(b"\xef\xbb\xbforder_status,orders,")
    with visit.page.expect_download() as png:
        box.get_by_role("button", name="PNG").click()
    picture = png.value.path().read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 5_000, "more than an empty rectangle"


@pytest.mark.parametrize("page", ["overview", "loyalty", "customers", "orders", "pipeline"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone(dashboard: Dashboard, visit: Visit, page: str, scheme: str) -> None:
    visit.page.set_viewport_size({"width": 360, "height": 740})
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.page.goto(dashboard.address(f"?page={page}"))
    expect(visit.page.locator("main h1")).to_be_visible()
    visit.page.wait_for_load_state("networkidle")
    assert visit.page.evaluate("() => document.documentElement.scrollWidth") <= 360
