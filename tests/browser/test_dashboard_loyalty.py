"""Loyalty in a real browser: every figure of the page is what plain Python computes from the CSVs."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from playwright.sync_api import expect

from functions.model.metrics import load_metrics
from tests.support import oracle
from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard
from tests.support.metric_oracle import Filters, Oracle
from tests.support.page_figures import panels_of, rounded, text_of

PANELS = (
    "rfm", "cohort-retention", "days-between-orders", "customer-lifetime-value", "lifetime-value-error",
    "product-affinity",
)  # fmt: skip
METRICS = load_metrics().metrics


@pytest.fixture(scope="module")
def expected(dashboard: Dashboard) -> Oracle:
    """What plain Python computes from the shop's files."""
    with psycopg.connect(dashboard.database_url) as connection:
        [today] = connection.execute("select anchor from business_vault.mart_anchor").fetchone() or (date.min,)
    files = [file for night in dashboard.shop.nights for file in night]
    valid = [(key, content.replace(_bad(content), "")) for key, content in files]
    return Oracle(oracle.marts(valid, today), ZoneInfo("UTC"), today)


def _bad(content: str) -> str:
    """The line that the quarantine takes; the oracle wants valid ones only."""
    return next((line for line in content.splitlines(keepends=True) if "T900000002" in line), "\0")


def _rows(name: str, items: Iterable[dict[str, Any]]) -> list[list[str]]:
    columns = {column: each for column, each in METRICS[name].columns.items() if not each.detail}
    return [[text_of(item[column], declared.unit) for column, declared in columns.items()] for item in items]


@pytest.mark.parametrize("segment", [None, "first"])
def test_every_figure_of_loyalty_is_what_the_files_say(
    dashboard: Dashboard, visit: Visit, expected: Oracle, segment: str | None
) -> None:
    chosen = sorted(filter(None, dashboard.shop.grouped("segment")))[0] if segment else None
    figures = expected.figures(Filters(segment=(chosen,)) if chosen else Filters())
    visit.page.goto(dashboard.address("?page=loyalty" + (f"&segment={chosen}" if chosen else "")))
    panels = panels_of(visit.page)
    for name in PANELS:
        shown, said = panels[name], _rows(name, figures[name])
        assert shown, name
        if name == "rfm":
            shown, said = sorted(shown), sorted(said)
        assert shown == said, name
    repeat = figures["repeat-purchases"]
    cards = {
        "repeat-purchases/customers_with_orders": text_of(repeat["customers_with_orders"], "customers"),
        "repeat-purchases/repeat_rate": text_of(repeat["repeat_rate"], "share"),
        "repeat-purchases/days_between_orders": text_of(rounded(Decimal(repeat["days_between_orders"]), 1), "days"),
        "customer-lifetime-value/lifetime_value": text_of(
            figures["customer-lifetime-value"][-1]["lifetime_value"], "currency"
        ),
    }
    for card, text in cards.items():
        expect(visit.page.locator(f"[data-card='{card}'] .big")).to_have_text(text)
