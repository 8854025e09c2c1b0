"""The dashboard on bad days: no API, a slow network, a tab that nobody looks at, a link that has expired."""

import re

import psycopg
from playwright.sync_api import expect

from functions.api.app import create_app
from local import processes
from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard
from tests.support.night import role_url
from tests.support.served_api import served, settings_for

REVENUE = "[data-card='overview/revenue'] .big"


def test_figures_stay_and_tell_their_age_while_the_api_is_away(dashboard: Dashboard, visit: Visit) -> None:
    visit.allow("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE")
    port = processes.free_port(27000)
    settings = settings_for(role_url(dashboard.database_url, "c360_api"))
    revenue = visit.page.locator(REVENUE)
    visit.page.clock.install()
    with served(create_app(settings), port):
        visit.page.goto(f"http://127.0.0.1:{port}/dashboard")
        expect(revenue).to_have_attribute("title", f"${dashboard.shop.revenue():,.2f}")
    text = revenue.inner_text()
    visit.page.clock.run_for(40_000)
    expect(visit.page.get_by_role("alert")).to_contain_text("The API does not answer. These figures are of ")
    expect(revenue).to_have_text(text)
    with served(create_app(settings), port):
        visit.page.clock.run_for(11_000)
        expect(visit.page.get_by_role("alert")).to_have_count(0)
        expect(revenue).to_have_text(text)


def test_what_is_asked_for_while_the_api_is_away_says_so_and_comes_later(dashboard: Dashboard, visit: Visit) -> None:
    visit.allow("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE")
    port = processes.free_port(27000)
    settings = settings_for(role_url(dashboard.database_url, "c360_api"))
    main, away = visit.page.locator("main"), "The API does not answer."
    rows = main.locator("tbody tr")
    visit.page.clock.install()
    with served(create_app(settings), port):
        visit.page.goto(f"http://127.0.0.1:{port}/dashboard")
        status = visit.page.locator("[data-panel='orders-by-status']")
        expect(status.locator(".mark").first).to_be_visible()
    status.get_by_role("button", name="CSV").click()
    expect(status.get_by_role("alert")).to_have_text(away)
    visit.page.get_by_role("combobox", name="Search customers").fill("anybody")
    visit.page.clock.run_for(1_000)
    expect(visit.page.get_by_role("option")).to_have_text(away)
    visit.page.keyboard.press("Escape")
    visit.page.get_by_role("navigation").get_by_role("link", name="Orders").click()
    expect(main.locator(".panel").get_by_role("alert")).to_have_text(away)
    with served(create_app(settings), port):
        visit.page.clock.run_for(11_000)
        expect(rows).to_have_count(50)
        expect(main.locator(".panel").get_by_role("alert")).to_have_count(0)
    main.get_by_role("button", name="Show more").click()
    expect(main.locator(".panel").get_by_role("alert")).to_have_text(away)
    expect(rows).to_have_count(50)
    with served(create_app(settings), port):
        main.get_by_role("button", name="Show more").click()
        expect(rows).to_have_count(100)


def test_nothing_is_asked_for_in_a_hidden_tab(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.clock.install()
    visit.page.goto(dashboard.address())
    expect(visit.page.locator(REVENUE)).to_have_attribute("title", f"${dashboard.shop.revenue():,.2f}")
    seen = "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
    tell = "document.dispatchEvent(new Event('visibilitychange')) }"
    before = len(visit.sent("/metrics"))
    visit.page.clock.run_for(11_000)
    assert len(visit.sent("/metrics")) == before + 1, "one request for all panels every ten seconds"
    visit.page.evaluate(seen + tell, True)
    asked = len(visit.requests)
    visit.page.clock.run_for(60_000)
    assert len(visit.requests) == asked
    with visit.page.expect_request("**/metrics?**"):
        visit.page.evaluate(seen + tell, False)


def test_what_has_not_changed_is_not_sent_again(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.clock.install()
    visit.page.goto(dashboard.address("?page=loyalty"))
    expect(visit.page.locator("[data-card='repeat-purchases/repeat_rate'] .big")).to_contain_text("%")
    with visit.page.expect_response("**/metrics?**") as again:
        visit.page.clock.run_for(11_000)
    assert again.value.status == 304


def test_a_slow_network_shows_placeholders_then_the_last_figures_at_once(dashboard: Dashboard, visit: Visit) -> None:
    network = visit.page.context.new_cdp_session(visit.page)
    network.send("Network.enable")
    slow = {"offline": False, "latency": 1_500, "downloadThroughput": 60_000, "uploadThroughput": 60_000}
    network.send("Network.emulateNetworkConditions", slow)
    revenue = visit.page.locator(REVENUE)
    visit.page.goto(dashboard.address())
    expect(visit.page.locator(".card .skeleton").first).to_be_visible()
    expect(revenue).to_have_attribute("title", f"${dashboard.shop.revenue():,.2f}")
    visit.page.route("**/metrics?**", lambda _: None)  # the next answer never comes
    visit.page.reload()
    expect(revenue).to_have_attribute("title", f"${dashboard.shop.revenue():,.2f}")


def test_an_expired_link_opens_nothing(dashboard: Dashboard, visit: Visit) -> None:
    link = dashboard.shared()
    with psycopg.connect(dashboard.database_url) as connection:
        connection.execute(
            "update metadata.share_link set created_at = created_at - interval '9 days',"
            " expires_at = expires_at - interval '9 days' where share_id = %s",
            (link["share_id"],),
        )
    visit.allow("401")
    visit.page.goto(dashboard.address(f"#share={link['token']}"))
    expect(visit.page.get_by_role("alert")).to_have_text("This link has expired.")


def test_a_shared_link_is_refreshed_and_leads_to_no_person(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.clock.install()
    visit.page.goto(dashboard.address(f"#share={dashboard.shared()['token']}"))
    expect(visit.page.locator(REVENUE)).to_have_attribute("title", f"${dashboard.shop.revenue():,.2f}")
    assert visit.page.get_by_role("combobox", name="Search customers").count() == 0
    with visit.page.expect_request("**/metrics?**"):
        visit.page.clock.run_for(11_000)
    visit.page.get_by_role("button", name="Explain Revenue", exact=True).click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.locator("[data-sum]")).to_have_attribute("data-sum", str(dashboard.shop.revenue()))
    assert dialog.locator("tbody a").count() == 0


def test_a_link_without_lock_keeps_the_filters_that_its_viewer_changes(dashboard: Dashboard, visit: Visit) -> None:
    segment, lines = next((name, lines) for name, lines in dashboard.shop.grouped("segment").items() if name)
    link = dashboard.shared(filters_locked=False)
    visit.page.goto(dashboard.address(f"#share={link['token']}"))
    visit.page.locator("summary", has_text="Segment").click()
    visit.page.get_by_label(segment, exact=True).check()
    revenue = visit.page.locator(REVENUE)
    expect(revenue).to_have_attribute("title", f"${dashboard.shop.revenue(lines):,.2f}")
    visit.page.reload()
    expect(revenue).to_have_attribute("title", f"${dashboard.shop.revenue(lines):,.2f}")


def test_a_link_is_made_and_revoked_on_the_page(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    visit.page.get_by_role("button", name="Share", exact=True).click()
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Create link").click()
    address = dialog.get_by_label("Link", exact=True)
    expect(address).to_have_value(re.compile("/dashboard#share=."))
    token = address.input_value().partition("#share=")[2]
    assert dashboard.api.get("/shares/current", headers={"X-Share-Token": token}).status_code == 200
    with visit.page.expect_response(lambda answer: answer.request.method == "DELETE"):
        dialog.get_by_role("button", name="Revoke").first.click()
    assert dashboard.api.get("/shares/current", headers={"X-Share-Token": token}).status_code == 401
