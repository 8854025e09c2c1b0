"""The dashboard for those who see badly or use no mouse: axe-core finds nothing, and Tab reaches the marks."""

import pytest
from playwright.sync_api import expect

from local.paths import REPOSITORY
from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard
from tests.support.dashboard_shop import MOVED

AXE = REPOSITORY / "dashboards" / "web" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = REPOSITORY / "build" / "screenshots"
"""Kept after the tests, for people to look at."""
PAGES = {
    "overview": "",
    "loyalty": "?page=loyalty",
    "customers": "?page=customers",
    "orders": "?page=orders",
    "pipeline": "?page=pipeline",
    "customer": f"?page=customer&id={MOVED}",
    "rows": "?page=rows&id=overview%2Frevenue_30_days",
    "explain": "?explain=overview%2Frevenue",
    "live": "?explain=live-totals%2Fevents",
}
RUN = "async () => (await axe.run()).violations.map(each => `${each.id}: ${each.nodes.map(node => node.html).join()}`)"


@pytest.mark.parametrize("width", [1280, 360], ids=["screen", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_no_violation(dashboard: Dashboard, visit: Visit, page: str, theme: str, width: int) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    visit.page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
    visit.page.goto(dashboard.address(PAGES[page]))
    expect(visit.page.locator(".skeleton")).to_have_count(0)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    visit.page.screenshot(path=SCREENSHOTS / f"{page}-{theme}-{width}.png", full_page="explain=" not in PAGES[page])
    visit.page.evaluate(AXE.read_text())
    assert visit.page.evaluate(RUN) == []


def test_the_keyboard_alone_opens_what_a_bar_counts(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    panel = visit.page.locator("[data-panel='revenue-by-category']")
    expect(panel.locator(".mark").first).to_be_visible()
    panel.get_by_role("button", name="PNG").focus()
    for mark in panel.locator(".mark").all():
        visit.page.keyboard.press("Tab")
        expect(mark).to_be_focused()
    visit.page.keyboard.press("Enter")
    expect(visit.page.get_by_role("dialog")).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(panel.locator(".mark").last).to_be_focused()


def test_the_theme_is_kept(dashboard: Dashboard, visit: Visit) -> None:
    visit.page.goto(dashboard.address())
    visit.page.get_by_role("button", name="Theme: auto").click()
    visit.page.get_by_role("button", name="Theme: light").click()
    visit.page.reload()
    expect(visit.page.locator("html[data-theme='dark']")).to_be_visible()
