"""From a figure of the dashboard to exactly the rows behind it, and what Explain says of it."""

import re
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard, money


def test_a_click_leads_from_a_bar_to_its_rows_and_on_to_one_customer(dashboard: Dashboard, visit: Visit) -> None:
    status, lines = next(iter(dashboard.shop.grouped("status").items()))
    visit.page.goto(dashboard.address())
    visit.page.locator(f"[data-panel='orders-by-status'] .mark[aria-label^='{status}: '] .catch").click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.locator(".big")).to_have_text(f"{dashboard.shop.orders(lines):,}")
    expect(dialog.locator("[data-sum]")).to_have_attribute("data-sum", str(dashboard.shop.orders(lines)))
    link = dialog.locator("tbody a").first
    customer = link.inner_text()
    link.click()
    expect(visit.page.locator("main .hero .meaning").first).to_contain_text(customer)
    expect(visit.page.get_by_role("heading", name="Timeline")).to_be_visible()
    visit.page.go_back()
    dialog.get_by_role("button", name=f"Show the whole page for {status} only").click()
    revenue = visit.page.locator("[data-card='overview/revenue'] .big")
    expect(revenue).to_have_attribute("title", money(dashboard.shop.revenue(lines)))
    assert f"status={status}" in visit.page.url


@pytest.mark.parametrize(
    ("page", "mark"),
    [
        ("overview", "[data-panel='orders-by-status'] .mark .catch"),
        ("overview", "[data-panel='customers-by-segment'] .mark .catch"),
        ("overview", "[data-panel='revenue-by-state'] .mark .catch"),
        ("overview", "[data-panel='revenue-by-category'] .mark .catch"),
        ("overview", "[data-panel='orders-by-hour'] td button"),
        ("overview", "[data-panel='top-products'] td:last-child button"),
        ("loyalty", "[data-panel='rfm'] .mark circle"),
        ("loyalty", "[data-panel='cohort-retention'] td:nth-child(3) button"),
        ("loyalty", "[data-panel='cohort-retention'] td:nth-child(2) button"),
        *(("overview", f"[data-card='overview/{name}'] .figure") for name in ("customers", "orders", "revenue")),
        ("loyalty", "[data-card='repeat-purchases/repeat_rate'] .figure"),
        ("overview", "[aria-label^='Explain First order: ']"),
        ("overview", "[aria-label^='Explain Last order: ']"),
        ("loyalty", "[data-card='repeat-purchases/repeat_rate'] button"),
        ("loyalty", "[data-card='repeat-purchases/days_between_orders'] button"),
        ("overview", "[data-card='overview/revenue'] .change"),
        ("overview", "[data-card='overview/customers'] .change"),
        ("overview", "[data-panel='revenue-by-category'] [aria-label^='Explain']"),
        ("loyalty", "[data-card='customer-lifetime-value/lifetime_value'] button"),
        ("loyalty", "[data-panel='customer-lifetime-value'] .mark .catch"),
        ("loyalty", "[data-panel='days-between-orders'] .mark:not([aria-label$=': 0 customers']) .catch"),
        *(("loyalty", f"[data-panel='product-affinity'] tbody td:nth-child({n}) button") for n in (5, 6, 7, 8)),
        *(("loyalty", f"[data-panel='lifetime-value-error'] tbody td:nth-child({n}) button") for n in (2, 3, 4)),
    ],
)
def test_a_drill_down_lands_on_exactly_its_rows(dashboard: Dashboard, visit: Visit, page: str, mark: str) -> None:
    visit.page.goto(dashboard.address(f"?page={page}"))
    visit.page.locator(mark).last.click()
    dialog = visit.page.get_by_role("dialog")
    words = dialog.locator("[data-sum]").inner_text()
    rows = words.removeprefix("The ").split(" ")[0]
    dialog.get_by_role("link", name="Open these rows as a list").click()
    expect(dialog).to_have_count(0)
    listed = visit.page.locator(".panel").get_by_role("status")
    expect(listed).to_have_text(re.compile(rf"^([\d,]+ of )?{rows} (order lines|customers|rows)$"))
    expect(visit.page.locator("tbody tr").first).to_be_visible()


def test_the_mean_of_seven_days_leads_to_the_lines_of_seven_days(dashboard: Dashboard, visit: Visit) -> None:
    shop = dashboard.shop
    last = max(map(date.fromisoformat, shop.grouped("day")))
    lines = shop.of_days(last - timedelta(days=6), last)
    visit.page.goto(dashboard.address("?since=" + str(last)))
    box = visit.page.locator("[data-panel='revenue-by-day']")
    box.get_by_role("button", name="Table", exact=True).click()
    box.locator("[aria-label^='Explain Mean of 7 days']").last.click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.locator("[data-sum]")).to_have_attribute("data-sum", f"{shop.revenue(lines).normalize():f}")
    expect(dialog.locator(".words")).to_contain_text("The sum is divided by 7.")
    dialog.get_by_role("link", name="Open these rows as a list").click()
    expect(visit.page.locator(".panel").get_by_role("status")).to_have_text(
        re.compile(rf"^([\d,]+ of )?{len(lines):,} order lines$")
    )


def test_the_share_of_a_cohort_leads_to_both_of_its_lists(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address("?page=loyalty"))
    mark = visit.page.locator("[data-panel='cohort-retention'] tbody tr").first.locator("td button").nth(1)
    of_month, share = re.search(r": ([\d,]+) customers, (\d+)%", mark.get_attribute("aria-label") or "").groups()  # type: ignore[union-attr]
    mark.click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.locator("[data-sum]")).to_have_attribute("data-sum", of_month.replace(",", ""))
    dialog.get_by_role("button", name="Explain Customers of the cohort, which it is divided by").click()
    expect(dialog.locator("h2, [class=big]").first).to_be_visible()
    expect(dialog.locator(".words")).to_contain_text("first order was in its month")
    cohort = int(dialog.locator("[data-sum]").get_attribute("data-sum") or 0)
    assert round(int(of_month.replace(",", "")) / cohort * 100) == int(share)
    dialog.get_by_role("link", name="Open these rows as a list").click()
    expect(visit.page.locator(".panel").get_by_role("status")).to_have_text(
        re.compile(rf"^([\d,]+ of )?{cohort:,} customers$")
    )
    assert "months_later" not in visit.page.url


def test_every_card_explains_itself(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    for column in ("customers", "orders", "revenue", "avg_order_value"):
        card = visit.page.locator(f"[data-card='overview/{column}']")
        text = card.locator(".big").get_attribute("title") or card.locator(".big").inner_text()
        card.locator(".quiet").click()
        dialog = visit.page.get_by_role("dialog")
        expect(dialog.locator(".big")).to_have_text(text)
        expect(dialog.get_by_role("group", name="Files behind the figure")).to_contain_text("landing/")
        visit.page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)


def test_a_change_is_explained_by_both_of_its_periods(dashboard: Dashboard, visit: Visit) -> None:
    shop, dialog = dashboard.shop, visit.page.get_by_role("dialog")
    visit.page.goto(dashboard.address())
    change = visit.page.locator("[data-card='overview/revenue'] .change")
    text = change.inner_text().lstrip("▲▼ ")
    change.click()
    expect(dialog.locator(".big")).to_have_text(text)
    now = shop.revenue(shop.of_days(shop.last_day - timedelta(29), shop.last_day))
    expect(dialog.locator(".meaning").first).to_contain_text(money(now))
    dialog.get_by_role("button", name="Explain Revenue in the 30 days before").click()
    before = shop.revenue(shop.of_days(shop.last_day - timedelta(59), shop.last_day - timedelta(30)))
    expect(dialog.locator(".big")).to_have_text(money(before))


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("[data-card='customer-lifetime-value/lifetime_value'] .quiet", "rows below add up to it"),
        ("[data-panel='customer-lifetime-value'] .mark .catch", "rows below add up to it"),
        (
            "[data-panel='days-between-orders'] .mark:not([aria-label$=': 0 customers']) .catch",
            "rows below add up to it",
        ),
        ("[data-panel='product-affinity'] td:nth-child(5) button", "rows below add up to it"),
        ("[data-panel='lifetime-value-error'] td:nth-child(3) button", "rows below add up to it"),
    ],
)
def test_figures_of_loyalty_are_explained_by_their_customers(
    dashboard: Dashboard, visit: Visit, mark: str, said: str
) -> None:
    visit.page.goto(dashboard.address("?page=loyalty"))
    visit.page.locator(mark).last.click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.locator("[data-sum]")).to_contain_text(said)
    expect(dialog.get_by_role("group", name="Rows behind the figure").locator("tbody a").first).to_be_visible()


def test_the_explain_button_of_a_panel_explains_all_of_its_marks(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    visit.page.get_by_role("button", name="Explain Revenue by day").click()
    expect(visit.page.get_by_role("dialog").locator(".big")).to_have_text(money(dashboard.shop.revenue()))


def test_explain_shows_the_rows_whose_sum_the_figure_is(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    visit.page.get_by_role("button", name="Explain Revenue", exact=True).click()
    total = visit.page.locator("[data-sum]")
    expect(total).to_be_visible()
    assert Decimal(total.get_attribute("data-sum") or "") == dashboard.shop.revenue()
    expect(visit.page.get_by_text("landing/transactions/").first).to_be_visible()


@pytest.mark.parametrize("key", ["status", "segment", "state", "category"])
def test_the_list_of_orders_keeps_the_filters_of_the_page(dashboard: Dashboard, visit: Visit, key: str) -> None:
    name, lines = next((name, lines) for name, lines in dashboard.shop.grouped(key).items() if name)
    visit.page.goto(dashboard.address(f"?{urlencode({key: name})}"))
    visit.page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    expect(visit.page.get_by_text(f"of {len(lines):,} order lines")).to_be_visible()


def test_lists_and_explain_take_several_values_of_a_filter(dashboard: Dashboard, visit: Visit) -> None:
    grouped = {name: lines for name, lines in dashboard.shop.grouped("status").items() if name}
    chosen = list(grouped)[:2]
    rows = sum(len(grouped[name]) for name in chosen)
    visit.page.goto(dashboard.address(f"?{urlencode({'status': chosen}, doseq=True)}"))
    visit.page.locator("[data-card='overview/revenue'] .quiet").click()
    expect(visit.page.locator("[data-sum]")).to_contain_text(f"The {rows:,} rows below")
    visit.page.get_by_role("link", name="Open these rows as a list").click()
    expect(visit.page.get_by_text(f"of {rows:,} order lines")).to_be_visible()
    visit.page.locator("summary", has_text="Status").click()
    visit.page.get_by_label(chosen[1], exact=True).uncheck()
    expect(visit.page.get_by_text(f"of {len(grouped[chosen[0]]):,} order lines")).to_be_visible()
