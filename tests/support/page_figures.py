"""What the page shows, read from the browser, and figures as it has to write them in American English."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from playwright.sync_api import Page, expect

type Texts = list[list[str]]

_READ = """() => {
    const rows = box => [...box.querySelectorAll("tbody tr")].map(row => [...row.cells].map(cell => cell.textContent));
    const boxes = [...document.querySelectorAll("[data-panel]")];
    return Object.fromEntries(boxes.map(box => [box.dataset.panel, rows(box)]));
}"""


def panels_of(page: Page) -> dict[str, Texts]:
    """The open page's panels, each as its table: rows of cells, as their reader sees them."""
    expect(page.locator(".skeleton")).to_have_count(0)
    tables = page.locator("[data-panel]").get_by_role("button", name="Table", exact=True)
    while tables.count():  # pressed, its name is Chart
        tables.first.click()
    more = page.locator("[data-panel]").get_by_role("button", name="Show all")
    while more.count():
        more.first.click()
    panels: dict[str, Texts] = page.evaluate(_READ)
    return panels


def text_of(value: Any, unit: str) -> str:
    """A value of the metric layer's unit as the page writes it."""
    if value is None:
        return "—"
    return _WRITTEN.get(unit, _other)(value)


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half away from zero, as browsers do."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _money(value: Any) -> str:
    amount = rounded(Decimal(value), 2)
    return f"{'-' if amount < 0 else ''}${abs(amount):,.2f}"


def _count(value: Any, digits: int = 2) -> str:
    text = f"{rounded(Decimal(value), digits):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _percent(value: Any) -> str:
    return f"{_count(Decimal(value) * 100, 1)}%"


def _signed(value: Any) -> str:
    text = _percent(value)
    return text if text.startswith("-") or text == "0%" else f"+{text}"


def _day(value: Any) -> str:
    day = value if isinstance(value, date) else date.fromisoformat(value)
    return f"{day:%b} {day.day}, {day.year}"


def _month(value: Any) -> str:
    return f"{datetime.strptime(value, '%Y-%m').replace(day=1):%b %Y}"  # noqa: DTZ007 - a month has no zone


def _other(value: Any) -> str:
    return _count(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else str(value)


_WRITTEN: dict[str, Callable[[Any], str]] = {
    "currency": _money, "share": _percent, "change": _signed, "day": _day, "month": _month,
    "days": lambda value: f"{_count(value)} days",
}  # fmt: skip
