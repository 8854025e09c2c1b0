"""The dashboard in a real browser, over two nights of CSVs: every figure is what plain Python computes from them."""

import calendar
import re
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard
from tests.support.dashboard_shop import FORTUNE, MOVED, NEW_CITY, OLD_CITY, POOR, RICH, SCRIPT, SCRIPT_NAME


def money(amount: Decimal) -> str:
    return f"${amount:,.2f}"


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


def test_a_filter_lives_in_the_address_and_narrows_every_figure(dashboard: Dashboard, visit: Visit) -> None:
    segment, lines = next((name, lines) for name, lines in dashboard.shop.grouped("segment").items() if name)
    visit.page.goto(dashboard.address(f"?segment={segment}"))
    revenue = visit.page.locator("[data-card='overview/revenue'] .big")
    expect(revenue).to_have_attribute("title", money(dashboard.shop.revenue(lines)))


def test_explain_shows_the_rows_whose_sum_the_figure_is(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    visit.page.get_by_role("button", name="Explain Revenue", exact=True).click()
    total = visit.page.locator("[data-sum]")
    expect(total).to_be_visible()
    assert Decimal(total.get_attribute("data-sum") or "") == dashboard.shop.revenue()
    expect(visit.page.get_by_text("landing/transactions/").first).to_be_visible()


def test_a_customer_named_like_a_script_is_text(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address(f"?page=customer&id={SCRIPT}"))
    expect(visit.page.get_by_text(SCRIPT_NAME).first).to_be_visible()


def test_a_customer_of_three_million_shows_every_digit(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address(f"?page=customer&id={RICH}"))
    expect(visit.page.get_by_text(money(FORTUNE)).first).to_be_visible()


def test_the_history_shows_a_customer_before_a_correction(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address(f"?page=customer&id={MOVED}"))
    expect(visit.page.get_by_text(NEW_CITY).first).to_be_visible()
    visit.page.goto(dashboard.address(f"?page=customer&id={MOVED}&day=2026-11-05"))
    expect(visit.page.locator("main dd", has_text=OLD_CITY).first).to_be_visible()


def test_the_slider_shows_a_customer_as_known_then(dashboard: Dashboard, visit: Visit) -> None:
    visit.allow("404")  # before the nights ran, nothing was known
    visit.page.goto(dashboard.address(f"?page=customer&id={MOVED}"))
    city = visit.page.locator("[data-field='city'] dd")
    expect(city).to_have_text(NEW_CITY)
    slider = visit.page.get_by_role("slider")
    today, first = int(slider.get_attribute("max") or 0), date(2026, 11, 5).toordinal() - date(1970, 1, 1).toordinal()
    slider.fill(str(first))
    expect(city).to_have_text(OLD_CITY)
    expect(slider).to_have_attribute("aria-valuetext", "Nov 5, 2026")
    visit.page.get_by_label("with what was known then").check()
    expect(visit.page.get_by_text("Nothing was known of this customer then.")).to_be_visible()
    slider.fill(str(today))
    expect(city).to_have_text(NEW_CITY)


def test_each_field_says_its_file_line_and_run(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address(f"?page=customer&id={MOVED}"))
    visit.page.get_by_role("button", name="Where it comes from").click()
    row = visit.page.get_by_role("group", name="Where each field comes from").locator("tr", has_text="City")
    expect(row).to_contain_text(NEW_CITY)
    expect(row).to_contain_text("landing/customers/dt=2026-11-10/changes.csv, line 2")
    row.get_by_role("link").click()
    expect(visit.page.get_by_role("heading", name="State by state")).to_be_visible()


def test_a_customer_without_orders_has_zero_and_no_average(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address(f"?page=customer&id={POOR}"))
    expect(visit.page.locator("[data-field='lifetime_value'] dd")).to_have_text("$0.00")
    expect(visit.page.locator("[data-field='avg_order_value'] dd")).to_have_text("—")


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


def test_search_leads_to_a_customer(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    search = visit.page.get_by_role("combobox", name="Search customers")
    search.fill(f"{RICH}@example.com")
    expect(visit.page.get_by_role("option", name="Rich Newcomer")).to_be_visible()
    search.press("Enter")
    expect(visit.page.get_by_role("heading", name="Rich Newcomer")).to_be_visible()


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


def test_a_shared_link_shows_the_view_until_it_is_revoked(dashboard: Dashboard, visit: Visit) -> None:
    segment, lines = next((name, lines) for name, lines in dashboard.shop.grouped("segment").items() if name)
    view = {"page": "overview", "filters": {"segment": [segment]}}
    share = dashboard.api.post("/shares", json={"view": view, "expires_in_days": 1, "filters_locked": True}).json()
    visit.page.goto(dashboard.address(f"#share={share['token']}"))
    revenue = visit.page.locator("[data-card='overview/revenue'] .big")
    expect(revenue).to_have_attribute("title", money(dashboard.shop.revenue(lines)))
    assert dashboard.api.delete(f"/shares/{share['share_id']}").status_code == 204
    visit.allow("401")
    visit.page.reload()
    expect(visit.page.get_by_text("This link opens nothing")).to_be_visible()


def test_a_tampered_link_opens_nothing(dashboard: Dashboard, visit: Visit) -> None:
    visit.allow("401")
    visit.page.goto(dashboard.address("#share=made.up"))
    expect(visit.page.get_by_text("This link opens nothing")).to_be_visible()
