"""One load in four tools: API, built-in page, Metabase and the others' SQL show the same figures, to the cent.

The page is read in the real browser, text by text; the SQL is that of Metabase's cards, QuickSight's data sets and
Superset's charts, run as the role of BI tools.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from playwright.sync_api import Page

from dashboards.description import Card, load_dashboard
from dashboards.metabase.content import native_query
from functions.model.metrics import Filter
from tests.support import metabase_server, quicksight_query, superset_query
from tests.support.bi_figures import Row, queried
from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard
from tests.support.dashboard_shop import Shop
from tests.support.night import role_url
from tests.support.page_figures import panels_of, rounded, text_of

type Filters = dict[Filter, Any]
type Asked = Callable[[Card, Filters], list[Row]]
TABS = {tab.title: list(tab.cards) for tab in load_dashboard().tabs}
PAGES = {"Overview": "overview", "Loyalty": "loyalty"}
FEED = "live-events"
"""The page counts events by type beside other facts, and has no panel of them (test_dashboard_live.py)."""
CHANGES = {
    "customers_growth": "customers", "orders_change": "orders", "revenue_change": "revenue",
    "avg_order_value_change": "avg_order_value",
}  # fmt: skip
"""A change -> the card that it stands on."""
SELECTIONS = ("everything", "a period", "some customers")


def _filters(shop: Shop, chosen: str) -> Filters:
    names = {key: sorted(filter(None, shop.grouped(key))) for key in ("segment", "category", "status")}
    match chosen:
        case "a period":
            first, last = shop.last_day - timedelta(200), shop.last_day - timedelta(20)
            return {"since": first.isoformat(), "until": last.isoformat(), "status": names["status"][:1]}
        case "some customers":
            return {"segment": names["segment"][:2], "category": names["category"][:1]}
        case _:
            return {}


@pytest.fixture(scope="module")
def bi(dashboard: Dashboard) -> Iterator[psycopg.Connection]:
    """Signed in as the role of BI tools."""
    with psycopg.connect(role_url(dashboard.database_url, "c360_bi"), autocommit=True) as connection:
        yield connection


def _of_api(api: httpx.Client, card: Card, filters: Filters) -> list[Row]:
    applied: dict[str, Any] = {name: value for name, value in filters.items() if name in card.metric.filters}
    answer = api.get(f"/metrics/{card.metric.name}", params=applied).raise_for_status()
    said = json.loads(answer.text, parse_float=Decimal)
    return [said] if card.metric.shape == "object" else list(said["items"])


@pytest.fixture(scope="module")
def tools(dashboard: Dashboard, bi: psycopg.Connection) -> dict[str, Asked]:
    """How each tool gets a card's rows under filters."""
    return {
        "API": lambda card, filters: _of_api(dashboard.api, card, filters),
        "Metabase": lambda card, filters: queried(bi, *metabase_server.substituted(native_query(card), filters)),
        "QuickSight": lambda card, filters: queried(bi, *quicksight_query.substituted(card, filters)),
        "Superset": lambda card, filters: queried(bi, *superset_query.substituted(card, filters)),
    }


def _shown(page: Page, panels: dict[str, list[list[str]]], card: Card) -> list[list[str]]:
    """The card's figures on the open page."""
    if card.chart != "number":
        columns = [name for name, each in card.metric.columns.items() if not each.detail]
        return [[row[columns.index(name)] for name in card.shown] for row in panels[card.metric.name]]
    [column] = card.values
    if column in CHANGES:
        changes = page.locator(f"[data-card='overview/{CHANGES[column]}'] .change")
        return [[changes.inner_text().lstrip("▲▼ ") if changes.count() else "—"]]
    if column == "repeat_customers":
        note = page.locator("[data-card='repeat-purchases/repeat_rate'] .meaning").inner_text()
        return [[note.removesuffix(" repeat customers")]]
    big = page.locator(f"[data-card='{card.metric.name}/{column}'] .big")
    return [[big.get_attribute("title") or big.inner_text()]]


def _written(card: Card, rows: list[Row]) -> list[list[str]]:
    """The card's figures of a tool, as the page has to write them."""
    if card.values == ("days_between_orders",):  # the card shows tenths
        rows = [{"days_between_orders": rounded(Decimal(row["days_between_orders"]), 1)} for row in rows]
    return [[text_of(row[name], card.column(name).unit) for name in card.shown] for row in rows]


@pytest.mark.parametrize("chosen", SELECTIONS)
@pytest.mark.parametrize("tab", PAGES)
def test_all_tools_show_what_the_page_shows(
    dashboard: Dashboard, visit: Visit, tools: dict[str, Asked], tab: str, chosen: str
) -> None:
    filters = _filters(dashboard.shop, chosen)
    visit.page.goto(dashboard.address(f"?page={PAGES[tab]}&{urlencode([*filters.items()], doseq=True)}"))
    panels = panels_of(visit.page)
    drawn = [card for card in TABS[tab] if card.metric.name != FEED]
    figures = 0
    for card in drawn:
        shown = _shown(visit.page, panels, card)
        figures += sum(map(len, shown))
        for tool, asked in tools.items():
            assert shown == _written(card, asked(card, filters)), f"{card.name} in {tool}"
    assert figures > 200, "a page full of figures was compared"


def test_the_page_of_the_pipeline_shows_the_same(dashboard: Dashboard, visit: Visit, tools: dict[str, Asked]) -> None:
    cards = {card.name: card for card in TABS["Operations"]}
    visit.page.goto(dashboard.address("?page=pipeline"))
    notes = visit.page.locator(".cards .under")
    for tool, asked in tools.items():
        [health], [quality] = (asked(cards[name], {}) for name in ("pipeline-health", "quality-health"))
        failed, late = (asked(cards[name], {})[0][cards[name].values[0]] for name in ("failed-runs", "late-runs"))
        assert (failed, late) == (health["failed_30_days"], health["over_sla_30_days"]), tool
        assert notes.nth(2).inner_text() == f"{failed} failed, {late} late", tool
        assert notes.nth(3).inner_text() == f"{quality['warnings']} warn, {quality['errors']} failed", tool
