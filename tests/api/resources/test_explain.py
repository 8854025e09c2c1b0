"""Every figure is explained by rows that add up to it, and each row by its file."""

import json
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import pytest

from functions.model.metrics import Metric, load_metrics
from tests.support import night_files

METRICS = load_metrics().metrics
EXPLAINED = [metric for metric in METRICS.values() if any(map(metric.explained_by, metric.columns))]
FILTERS = [
    "",
    "since=2025-08-01&until=2025-10-31",
    "segment=Gold&segment=",
    "state=Berlin",
    "category=Books&category=Home&status=Completed",
]

DIGITS = {"days_between_orders": 2, "support": 6}
"""Column -> decimal places, where its type does not say so."""


def _get(client: httpx.Client, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


def _all_rows(client: httpx.Client, path: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first page, and the items of all pages."""
    first = page = _get(client, path)
    items = page["items"]
    while page["next"] is not None:
        page = _get(client, page["next"])
        items = items + page["items"]
    return first, items


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("metric", EXPLAINED, ids=lambda metric: metric.name)
def test_the_rows_behind_a_figure_add_up_to_it(night_client: httpx.Client, metric: Metric, filters: str) -> None:
    for column in metric.columns:
        if metric.explained_by(column):
            _check(night_client, metric, column, filters)


def _check(night_client: httpx.Client, metric: Metric, column: str, filters: str) -> None:
    shown = _get(night_client, f"/metrics/{metric.name}?{filters}")
    points = [{}] if metric.shape == "object" else shown["items"]
    for row in [points[0], points[-1], points[len(points) // 2]] if points else []:
        figure = shown[column] if metric.shape == "object" else row[column]
        given = [(name, "" if row[name] is None else row[name]) for name in (metric.grain if row else ())]
        others = [each for each in httpx.QueryParams(filters).multi_items() if each[0] not in dict(given)]
        query = httpx.QueryParams([*others, *given, ("column", column), ("limit", 40)])
        first, items = _all_rows(night_client, f"/metrics/{metric.name}/explain?{query}")
        assert first["value"] == figure
        assert sum((each["counts"] for each in items), Decimal(0)) == first["sum"]
        if metric.columns[column].type == "instant":
            assert {each["order_date"] for each in items} == {figure} - {None}
        assert len(items) == first["total"] == sum(each["rows"] for each in first["files"])
        assert sum((each["sum"] for each in first["files"]), Decimal(0)) == first["sum"]
        _check_sum(night_client, metric, column, query, first)
        assert first["words"].startswith(metric.columns[column].title)


def _check_sum(
    client: httpx.Client, metric: Metric, column: str, query: httpx.QueryParams, first: dict[str, Any]
) -> None:
    """The figure is the rows' sum, or what the sum divided by, or compared with, the other column is."""
    declared = metric.columns[column]
    assert first["against"] == declared.against
    if declared.divided_by is not None:
        assert first["value"] in (None, _half_up(first["sum"] / Decimal(declared.divided_by), 2))
    elif declared.against is None:
        if declared.type in ("integer", "amount"):
            is_rounded = declared.adds in ("month_values", "month_prediction")
            assert (round(first["sum"], 2) if is_rounded else first["sum"]) == first["value"]
        elif declared.adds == "share_of_other":
            assert round(first["sum"], 4) == first["value"]
    else:
        _check_ratio(client, metric, column, query, first)


def _check_ratio(
    client: httpx.Client, metric: Metric, column: str, query: httpx.QueryParams, first: dict[str, Any]
) -> None:
    declared = metric.columns[column]
    other = _get(client, f"/metrics/{metric.name}/explain?{query.set('column', str(declared.against))}")
    if column == "avg_order_value_change":
        orders = _get(client, f"/metrics/{metric.name}/explain?{query.set('column', 'orders_30_days')}")
        before = _get(client, f"/metrics/{metric.name}/explain?{query.set('column', 'orders_30_days_before')}")
        by = Decimal(other["sum"]) / before["sum"] * orders["sum"] if before["sum"] and orders["sum"] else 0
    else:
        by = other["sum"]
    if not by:
        assert first["value"] is None
    else:
        digits = DIGITS.get(column, 2 if declared.type == "amount" else 4)
        assert first["value"] == _half_up(Decimal(first["sum"]) / by - (1 if declared.unit == "change" else 0), digits)


def _half_up(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def test_several_marks_together_are_explained_by_all_their_rows(night_client: httpx.Client) -> None:
    for metric in EXPLAINED:
        column = next(name for name in metric.columns if metric.explained_by(name))
        answer = night_client.get(f"/metrics/{metric.name}/explain?column={column}")
        if metric.name in ("customer-lifetime-value", "lifetime-value-error", "product-affinity"):
            assert answer.status_code == 422
            assert "give " in answer.json()["detail"]
        elif metric.shape == "series" and not metric.live:
            said = answer.json()
            assert (said["value"], said["total"] > 0) == (None, True), metric.name
            shown = _get(night_client, f"/metrics/{metric.name}")["items"]
            if metric.name != "cohort-retention":  # a customer is in several of its marks
                assert said["sum"] == sum(item[column] for item in shown), metric.name


def test_a_row_names_the_line_of_its_file(night_client: httpx.Client) -> None:
    files = {f"landing/{key}": content.splitlines() for night in night_files.nights() for key, content in night}
    _, items = _all_rows(night_client, "/metrics/overview/explain?column=revenue&limit=1000")
    assert len(items) > 400
    for item in items:
        assert item["transaction_id"] in files[item["file"]][item["line"] - 1]
        assert item["line"] == item["row"] + 1


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        ("nothing/explain?column=x", 404, None),
        ("overview/explain", 422, "column"),
        ("revenue-by-day/explain?column=day&day=2025-08-01", 422, "column"),
        ("revenue-by-day/explain?column=revenue_7_day_mean", 422, "day"),
        ("live-events/explain?column=last_event_time", 422, "event_type"),
        ("pipeline-health/explain?column=seconds", 422, "column"),
        ("product-affinity/explain?column=lift", 422, "product_id"),
        ("product-affinity/explain?column=product_name", 422, "column"),
        ("product-affinity/explain?column=customers&product_id=P001", 422, "other_product_id"),
        ("customer-lifetime-value/explain?column=lifetime_value", 422, "months_later"),
        ("revenue-by-day/explain?column=revenue&day=then", 422, "day"),
        ("revenue-by-day/explain?column=revenue&weekday=1", 422, "weekday"),
        ("cohort-retention/explain?column=customers&cohort=2025-06", 422, "months_later"),
        ("overview/explain?column=revenue&cursor=x", 422, "cursor"),
    ],
)
def test_what_cannot_be_explained_says_so(
    night_client: httpx.Client, path: str, status: int, parameter: str | None
) -> None:
    answer = night_client.get(f"/metrics/{path}")
    assert answer.status_code == status, answer.text
    if parameter:
        assert answer.json()["errors"][0]["parameter"] == parameter


FILTER_OF = {"order_status": "status", "customer_segment": "segment"}
LISTS = {"lines": "/orders", "customers": "/customers"}
KEYS = {"lines": ("transaction_id", "line_number", "product_id"), "customers": ("customer_id",)}
UNLISTED = {"days-between-orders", "customer-lifetime-value", "lifetime-value-error", "product-affinity"}
MIN_ORDERS = {"total_orders > 0": 1, "total_orders > 1": 2}


def _listed(metric: Metric, column: str, row: dict[str, Any], filters: str) -> list[tuple[str, Any]] | None:
    """The parameters under which the list holds a figure's rows; None where no list can."""
    rows, of = metric.explained_by(column), metric.columns[column].of
    if rows not in LISTS or metric.name in UNLISTED or (of and of not in (*MIN_ORDERS, "7 days")):
        return None
    given: dict[str, Any] = {}
    for name in metric.grain if row else ():
        if row[name] is None and name.startswith("rfm_") and name != "rfm_label":
            continue  # who is in no group has no score either
        if metric.columns[column].narrowed is not None and name not in (metric.columns[column].narrowed or ()):
            continue
        value = "" if row[name] is None else row[name]
        if of == "7 days":
            given |= {"since": str(date.fromisoformat(value) - timedelta(days=6)), "until": value}
            continue
        given |= {"since": value, "until": value} if name == "day" else {FILTER_OF.get(name, name): value}
    if of in MIN_ORDERS:
        given["min_orders"] = MIN_ORDERS[of]
    others = [each for each in httpx.QueryParams(filters).multi_items() if each[0] not in given]
    takes = ("segment", "state") if rows == "customers" else metric.filters
    return [*given.items(), *(each for each in others if each[0] in takes)]


@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("metric", EXPLAINED, ids=lambda metric: metric.name)
def test_a_list_holds_exactly_the_rows_behind_a_figure(
    night_client: httpx.Client, metric: Metric, filters: str
) -> None:
    shown = _get(night_client, f"/metrics/{metric.name}?{filters}")
    points = [{}] if metric.shape == "object" else shown["items"]
    for column in metric.columns:
        for row in (points[0], points[-1], points[len(points) // 2]) if metric.explained_by(column) and points else ():
            if (listed := _listed(metric, column, row, filters)) is None:
                continue
            point = [(name, "" if row[name] is None else row[name]) for name in (metric.grain if row else ())]
            others = [each for each in httpx.QueryParams(filters).multi_items() if each[0] not in dict(point)]
            query = httpx.QueryParams([*others, *point, ("column", column), ("limit", 1000)])
            _, behind = _all_rows(night_client, f"/metrics/{metric.name}/explain?{query}")
            rows = metric.explained_by(column) or "lines"
            _, items = _all_rows(night_client, f"{LISTS[rows]}?{httpx.QueryParams([*listed, ('limit', 1000)])}")
            keys = [tuple(item[name] for name in KEYS[rows]) for item in items]
            assert sorted(keys) == sorted(tuple(item[name] for name in KEYS[rows]) for item in behind), (column, listed)


@pytest.mark.parametrize(
    "target",
    [
        "/customers?cohort=2025-13", "/customers?cohort=0000-01", "/customers?months_later=2",
        "/customers?rfm_recency=6", "/customers?as_of=2026-02-01&rfm_label=loyal", "/orders?weekday=0",
        "/orders?hour=24", "/orders?as_of=2026-02-01&hour=3",
    ],
)  # fmt: skip
def test_a_list_refuses_what_no_row_can_be(night_client: httpx.Client, target: str) -> None:
    assert night_client.get(target).status_code == 422


@pytest.mark.parametrize("cohort", ["0001-01", "1990-12", "2030-01", "9999-12"])
def test_a_cohort_of_any_year_is_taken(night_client: httpx.Client, cohort: str) -> None:
    assert _get(night_client, f"/customers?cohort={cohort}&months_later=1200")["items"] == []


def test_rows_can_be_read_by_what_they_add_the_most_first(night_client: httpx.Client) -> None:
    path = "/metrics/overview/explain?column=revenue&limit=50"
    _, by_key = _all_rows(night_client, path)
    for sort, reverse in (("counts", False), ("-counts", True)):
        _, items = _all_rows(night_client, f"{path}&sort={sort}")
        assert [each["counts"] for each in items] == sorted((each["counts"] for each in by_key), reverse=reverse)
        assert len({(each["transaction_id"], each["line_number"], each["product_id"]) for each in items}) == len(by_key)


@pytest.mark.parametrize(
    "query", ["/customers?segment=Gold&segment=&state=Berlin&state=Bavaria", "/orders?status=Completed&status=Pending"]
)
def test_a_list_takes_several_values_of_a_filter(night_client: httpx.Client, query: str) -> None:
    path, _, given = query.partition("?")
    _, every = _all_rows(night_client, f"{path}?limit=1000")
    wanted: dict[str, set[str | None]] = {}
    for name, value in httpx.QueryParams(given).multi_items():
        field = {"segment": "customer_segment", "status": "order_status"}.get(name, name)
        wanted.setdefault(field, set()).add(value or None)
    first, items = _all_rows(night_client, f"{query}&limit=7")
    expected = [each for each in every if all(each[field] in values for field, values in wanted.items())]
    assert items == expected
    assert first["total"] == len(expected) > 0
