"""One customer in the dashboard: what is known, since when, and from which file."""

from datetime import date

from playwright.sync_api import expect

from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard, money
from tests.support.dashboard_shop import FORTUNE, MOVED, NEW_CITY, OLD_CITY, POOR, RICH, SCRIPT, SCRIPT_NAME


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


def test_search_leads_to_a_customer(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    search = visit.page.get_by_role("combobox", name="Search customers")
    search.fill(f"{RICH}@example.com")
    expect(visit.page.get_by_role("option", name="Rich Newcomer")).to_be_visible()
    search.press("Enter")
    expect(visit.page.get_by_role("heading", name="Rich Newcomer")).to_be_visible()
