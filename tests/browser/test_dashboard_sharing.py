"""Links that share a view of the dashboard."""

from playwright.sync_api import expect

from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard, money


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
