"""The dashboard in a real browser, over two nights of CSVs: every figure is what plain Python computes from them."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from functions.api.app import create_app
from local.postgres import PostgresServer
from tests.support import dashboard_shop
from tests.support.browser_visit import Visit
from tests.support.dashboard_shop import FORTUNE, MOVED, NEW_CITY, OLD_CITY, RICH, SCRIPT, SCRIPT_NAME, Shop
from tests.support.database import fresh_database
from tests.support.night import role_url
from tests.support.served_api import served, settings_for


@dataclass(frozen=True)
class Dashboard:
    """The page over a loaded shop. `api` asks the API beside the browser."""

    shop: Shop
    api: httpx.Client

    def address(self, query: str = "") -> str:
        """The page's address."""
        return f"{str(self.api.base_url).rstrip('/')}/dashboard{query}"


@pytest.fixture(scope="module")
def dashboard(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder: Path = tmp_path_factory.mktemp("shop")
    with fresh_database(postgres_server) as url, dashboard_shop.loaded(url, folder) as shop:
        app = create_app(settings_for(role_url(url, "c360_api")))
        with served(app) as client:
            yield Dashboard(shop, client)


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
