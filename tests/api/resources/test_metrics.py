"""The dashboard's figures against plain Python over the files."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.support import night_files, oracle

MARTS = oracle.marts(file for files in night_files.nights() for file in files)
CUSTOMERS = {row[0]: row for row in MARTS.customers}
PRODUCTS = {row[0]: row for row in MARTS.products}
ZERO = Decimal(0)


def _get(client: httpx.Client, path: str) -> Any:
    answer = client.get(f"/metrics/{path}")
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


type Row = tuple[Any, ...]


def _grouped(key: Callable[[Row], Any], lines: list[Row]) -> dict[Any, tuple[int, int, Decimal]]:
    """By key: orders, lines, revenue."""
    groups: dict[Any, list[Row]] = defaultdict(list)
    for line in lines:
        groups[key(line)].append(line)
    return {
        name: (len({line[0] for line in group}), len(group), sum((line[7] for line in group), ZERO))
        for name, group in groups.items()
    }


def test_the_overview_counts_and_sums_everything(night_client: httpx.Client) -> None:
    orders = {line[0] for line in MARTS.lines}
    revenue = sum((line[7] for line in MARTS.lines), ZERO)
    dates = [line[4] for line in MARTS.lines]
    want = {
        "customers": len(CUSTOMERS),
        "customers_with_orders": sum(row[10] > 0 for row in MARTS.customers),
        "products": len(PRODUCTS),
        "orders": len(orders),
        "order_lines": len(MARTS.lines),
        "revenue": revenue,
        "avg_order_value": round(revenue / len(orders), 2),
        "anonymous_revenue": sum((line[7] for line in MARTS.lines if line[2] is None), ZERO),
        "first_order_date": min(dates).isoformat(),
        "last_order_date": max(dates).isoformat(),
    }
    found = _get(night_client, "overview")
    assert {name: found[name] for name in want} == want


def test_orders_by_status(night_client: httpx.Client) -> None:
    points = _get(night_client, "orders-by-status")["items"]
    found = {each["order_status"]: (each["orders"], each["order_lines"], each["revenue"]) for each in points}
    assert found == _grouped(lambda line: line[9], MARTS.lines)
    assert [each["orders"] for each in points] == sorted((each["orders"] for each in points), reverse=True)


def test_customers_by_segment(night_client: httpx.Client) -> None:
    want: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, ZERO])
    for row in MARTS.customers:
        counted = want[row[8]]
        counted[0] += 1
        counted[1] += row[10]
        counted[2] += row[11]
    points = _get(night_client, "customers-by-segment")["items"]
    assert {each["customer_segment"]: [each["customers"], each["orders"], each["revenue"]] for each in points} == want


@pytest.mark.parametrize(
    ("query", "first", "before"),
    [
        ("", None, None),
        ("?ordered_from=2025-07-01&ordered_before=2025-08-01", "2025-07-01T00:00:00Z", "2025-08-01T00:00:00Z"),
        ("?ordered_from=2030-01-01", "2030-01-01T00:00:00Z", None),
    ],
)
def test_revenue_by_day(night_client: httpx.Client, query: str, first: str | None, before: str | None) -> None:
    begin = datetime.fromisoformat(first) if first else datetime.min.replace(tzinfo=UTC)
    end = datetime.fromisoformat(before) if before else datetime.max.replace(tzinfo=UTC)
    lines = [line for line in MARTS.lines if begin <= line[4] < end]
    want = _grouped(lambda line: line[4].astimezone(UTC).date().isoformat(), lines)
    points = _get(night_client, f"revenue-by-day{query}")["items"]
    assert {each["day"]: (each["orders"], each["revenue"]) for each in points} == {
        day: (orders, revenue) for day, (orders, _, revenue) in want.items()
    }
    assert [each["day"] for each in points] == sorted(want)


def test_revenue_by_state(night_client: httpx.Client) -> None:
    def place(line: Row) -> tuple[Any, Any]:
        return (None, None) if line[2] is None else (CUSTOMERS[line[2]][5], CUSTOMERS[line[2]][6])

    points = _get(night_client, "revenue-by-state")["items"]
    found = {(each["country"], each["state"]): (each["orders"], each["revenue"]) for each in points}
    want = _grouped(place, MARTS.lines)
    assert found == {name: (orders, revenue) for name, (orders, _, revenue) in want.items()}


def test_revenue_by_category(night_client: httpx.Client) -> None:
    points = _get(night_client, "revenue-by-category")["items"]
    want = _grouped(lambda line: PRODUCTS[line[3]][2], MARTS.lines)
    assert {each["category"]: (each["order_lines"], each["revenue"]) for each in points} == {
        name: (lines, revenue) for name, (_, lines, revenue) in want.items()
    }
    assert sum(each["products"] for each in points) == len(PRODUCTS)


def test_cohort_retention(night_client: httpx.Client) -> None:
    months: dict[str, set[int]] = defaultdict(set)
    for line in MARTS.lines:
        if line[2] is not None:
            ordered = line[4].astimezone(UTC)
            months[line[2]].add(ordered.year * 12 + ordered.month - 1)
    counted: dict[tuple[str, int], int] = defaultdict(int)
    for active in months.values():
        first = min(active)
        for month in active:
            counted[f"{first // 12}-{first % 12 + 1:02}", month - first] += 1
    points = _get(night_client, "cohort-retention")["items"]
    assert {(each["cohort"], each["months_later"]): each["customers"] for each in points} == counted
    for each in points:
        assert float(each["share"]) == pytest.approx(each["customers"] / counted[each["cohort"], 0], abs=1e-4)


@pytest.mark.parametrize("path", ["overview?limit=1", "orders-by-status?x=", "revenue-by-day?ordered_from=then"])
def test_a_parameter_that_does_not_exist_is_named(night_client: httpx.Client, path: str) -> None:
    answer = night_client.get(f"/metrics/{path}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == path.split("?")[1].split("=")[0]
