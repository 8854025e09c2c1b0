"""The documentation's pages work under a policy that lets them load and run their own files only."""

import json
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import expect

from functions.api.app import create_app
from tests.support.api_contract import COMMITTED
from tests.support.browser_visit import Visit
from tests.support.served_api import served, settings_for

OPERATIONS = [each for methods in json.loads(COMMITTED.read_text())["paths"].values() for each in methods]


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    """The API without a database, which the pages do not need."""
    with served(create_app(settings_for("postgresql://nobody@127.0.0.1:1/nowhere"))) as client:
        yield client


def test_swagger_works_under_its_policy(visit: Visit, api: httpx.Client) -> None:
    visit.page.goto(f"{api.base_url}/docs")
    expect(visit.page.locator(".opblock")).to_have_count(len(OPERATIONS))
    visit.page.locator(".opblock-summary-control").first.click()
    visit.page.get_by_role("button", name="Try it out").first.click()
    expect(visit.page.get_by_role("button", name="Execute").first).to_be_visible()


def test_redoc_works_under_its_policy(visit: Visit, api: httpx.Client) -> None:
    visit.page.goto(f"{api.base_url}/redoc")
    expect(visit.page.locator('[data-section-id*="/operation/"]')).to_have_count(len(OPERATIONS))
    visit.page.get_by_placeholder("Search...").fill("customers")
    expect(visit.page.locator('[data-role="search:results"] li').first).to_be_visible()
