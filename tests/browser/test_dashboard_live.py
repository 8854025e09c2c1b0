"""Live figures in a real browser: what happens on the website, and the events behind each number."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from playwright.sync_api import expect

from functions.stream.batch import read_batch
from functions.stream.merge import merge
from tests.support.browser_visit import Visit
from tests.support.dashboard_page import Dashboard
from tests.support.kafka_messages import click, delivered
from tests.support.night import role_url

STORED = (
    "raw_vault.link_customer_event, metadata.event_id, metadata.stream_offset, business_vault.real_time_metrics,"
    " business_vault.event_total, business_vault.live_activity"
)


def _event(customer: str, seconds: int, **fields: Any) -> dict[str, Any]:
    return click(customer_id=customer, timestamp=(datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(), **fields)


@pytest.fixture
def customers(dashboard: Dashboard) -> Iterator[list[str]]:
    """Two customers of the shop, who viewed three pages and bought for 12.50; then nothing has happened again."""
    one, other = sorted(each["customer_id"] for each in dashboard.shop.customers)[:2]
    happened = [
        _event(one, 20),
        _event(one, 10, event_type="purchase", amount="12.5"),
        _event(other, 30),
        _event(other, 400),
    ]
    with psycopg.connect(role_url(dashboard.database_url, "c360_stream")) as connection:
        merge(connection, read_batch(delivered(*happened), datetime.now(UTC)))
    yield [one, other]
    with psycopg.connect(dashboard.database_url) as connection:
        connection.execute(f"truncate {STORED}".encode())


@pytest.mark.parametrize(
    ("figure", "rows", "text"),
    [
        ("Explain Active customers: 2", 2, "2"),
        ("Explain Events: 4", 4, "4"),
        ("Explain Events page_view: 3", 3, "3"),
        ("Explain Events purchase: 1", 1, "1"),
        ("Explain Amount purchase: $12.50", 1, "$12.50"),
    ],
)
def test_a_live_figure_leads_to_its_events(
    dashboard: Dashboard, visit: Visit, customers: list[str], figure: str, rows: int, text: str
) -> None:
    visit.page.goto(dashboard.address())
    visit.page.get_by_role("button", name=figure, exact=True).click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.locator(".big")).to_have_text(text)
    expect(dialog.get_by_role("group", name="Rows behind the figure").locator("tbody tr")).to_have_count(rows)
    expect(dialog.get_by_role("heading", name="Files")).to_have_count(0)
    dialog.get_by_role("link", name="Open these rows as a list").click()
    listed = visit.page.locator("main tbody tr")
    expect(listed).to_have_count(rows)
    shown = {row.locator("td").nth(2).inner_text() for row in listed.all()}
    assert shown <= set(customers)
    expect(visit.page.locator("main th", has_text="Kafka offset")).to_have_count(1)
