"""The dashboard through API Gateway and Lambda, below the stage, and by uvicorn: the same page, the same figures."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser_visit import Visit
from tests.support.platform import Platform, SampleFiles


@pytest.mark.parametrize("which", ["api_url", "local_api_url"])
def test_the_page_shows_the_revenue_of_the_files(
    visit: Visit, platform: Platform, sample: SampleFiles, loaded: dict[str, Any], which: str
) -> None:
    visit.page.goto(f"{getattr(platform.outputs, which)}/dashboard")
    revenue = visit.page.locator("[data-card='overview/revenue'] .big")
    expect(revenue).to_have_attribute("title", f"${sample.revenue:,.2f}", timeout=60_000)  # the function starts cold
    live = visit.page.get_by_role("heading", name="Live events").locator("+ p")
    expect(live).to_have_text("As they happen." if which == "local_api_url" else "Asked for every 5 seconds.")
    visit.page.get_by_role("link", name="Pipeline", exact=True).click()
    expect(visit.page).to_have_url(re.compile(r"/dashboard\?page=pipeline$"))
    expect(visit.page.get_by_text("adds up").first).to_be_visible(timeout=60_000)


def test_a_key_that_the_gateway_asks_for_is_asked_of_the_user(
    visit: Visit, locked: Platform, sample: SampleFiles, loaded: dict[str, Any]
) -> None:
    visit.allow("status of 403")
    visit.page.goto(f"{locked.outputs.api_url}/dashboard")
    visit.page.get_by_label("API key").fill(locked.outputs.api_key or "")
    visit.page.get_by_role("button", name="Open").click()
    revenue = visit.page.locator("[data-card='overview/revenue'] .big")
    expect(revenue).to_have_attribute("title", f"${sample.revenue:,.2f}", timeout=60_000)
