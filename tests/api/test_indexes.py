"""Every sort, and every filter by what a mart stores, can be answered from an index: none has to read a whole mart."""

from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest

from functions.api.paging.collection import Collection, Selection, page_statement
from functions.api.paging.parameters import ListQuery
from functions.api.resources.customers import CUSTOMERS, CustomersQuery
from functions.api.resources.orders import ORDERS, ORDERS_OF_CUSTOMER, CustomerOrdersQuery, OrdersQuery
from functions.api.resources.products import PRODUCTS, ProductsQuery
from tests.support import night

COLLECTIONS: list[tuple[Collection, type[ListQuery]]] = [
    (CUSTOMERS, CustomersQuery),
    (PRODUCTS, ProductsQuery),
    (ORDERS, OrdersQuery),
]
VALUES = {
    "ordered_from": "2026-01-01",
    "ordered_before": "2026-01-01",
    "since": "2026-01-01",
    "until": "2026-01-01",
    "q": "schmidt",
    "cohort": "2026-01",
    "min_orders": 3,
}
COMPUTED = {"rfm_label", "rfm_recency", "rfm_frequency", "rfm_monetary", "weekday", "hour"}
"""What is computed when it is read, from quintiles that move nightly and in a time zone that may change."""
TOGETHER = {"months_later": {"cohort": "2026-01", "months_later": 2}}


def _cases() -> Iterator[Any]:
    for collection, query in COLLECTIONS:
        for name in collection.sorts:
            for sort in (name, f"-{name}"):
                yield pytest.param(collection, query(sort=sort), id=f"{query.__name__} {sort}")
        for name in (*query.FILTERS, "q"):
            if name in query.model_fields and name not in COMPUTED:
                given = TOGETHER.get(name, {name: ("x",) if name in query.SEVERAL else VALUES.get(name, "x")})
                yield pytest.param(collection, query.model_validate(given), id=f"{query.__name__} {name}")


@pytest.fixture(scope="module")
def planner(night_url: str) -> Iterator[psycopg.Connection]:
    """A connection that reads a whole table only where it has no other way."""
    with psycopg.connect(night.role_url(night_url, "c360_api"), options="-c enable_seqscan=off") as connection:
        yield connection


@pytest.mark.parametrize(("collection", "query"), list(_cases()))
def test_an_index_answers(planner: psycopg.Connection, collection: Collection, query: ListQuery) -> None:
    selection = Selection(collection, (), False, query.sort, query.conditions, counted=bool(query.filtered))
    plan = _plan(planner, selection, query.values)
    assert "Index" in plan
    assert "Seq Scan on mart_" not in plan
    if not query.filtered:
        assert "Sort Key" not in plan or "Presorted Key" in plan, "the sort's index gives the order"


def test_one_customers_orders_come_from_their_index_in_order(planner: psycopg.Connection) -> None:
    query = CustomerOrdersQuery()
    selection = Selection(ORDERS_OF_CUSTOMER, (), False, query.sort, ("customer_id = %(customer_id)s",))
    plan = _plan(planner, selection, {"customer_id": "C0001"})
    assert "mart_order_line_customer" in plan
    assert "Seq Scan on mart_" not in plan


@pytest.mark.parametrize("collection", [collection for collection, _ in COLLECTIONS])
def test_a_page_after_a_cursor_begins_where_the_index_has_it(
    planner: psycopg.Connection, collection: Collection
) -> None:
    for sort in collection.sorts:
        order = collection.order(sort)
        values = {"text": "C0001", "bigint": "1", "numeric": "1", "timestamptz": "2026-01-01", "date": "2026-01-01"}
        after = {f"after_{n}": values[each.type] for n, each in enumerate(order)}
        plan = _plan(planner, Selection(collection, (), False, sort, after_cursor=True, counted=False), after)
        assert "Index Cond" in plan, sort
        assert "Seq Scan on mart_" not in plan, sort


def _plan(connection: psycopg.Connection, selection: Selection, values: dict[str, Any]) -> str:
    parameters = values | {"limit": 100, "skip": 0}
    return "\n".join(row[0] for row in connection.execute(b"explain " + page_statement(selection), parameters))


@pytest.mark.parametrize(
    ("filters", "column", "indexes"),
    [
        ("states => '{Berlin}'", "state", ("mart_customer_360_state", "mart_order_line_customer")),
        ("segments => '{Gold}'", "customer_segment", ("mart_customer_360_segment", "mart_order_line_customer")),
        ("categories => '{Books}'", "category", ("mart_product_analytics_category", "mart_order_line_product")),
    ],
)
def test_a_panels_filter_leads_to_its_lines(
    planner: psycopg.Connection, filters: LiteralString, column: str, indexes: tuple[str, str]
) -> None:
    given = {"since", "until", "segments", "states", "categories", "statuses"} - {filters.split()[0]}
    nothing = ", ".join(f"{name} => null" for name in sorted(given))
    query = f"explain select order_status, sum(revenue) from business_vault.sales({nothing}, {filters}) group by 1"
    plan = "\n".join(row[0] for row in planner.execute(query.encode()))
    assert all(index in plan for index in indexes), plan
    assert f"Index Cond: ({column} = ANY" in plan, "these customers or products only"
    assert "Seq Scan on mart_" not in plan.replace("Seq Scan on mart_anchor", "")
    assert ("mart_customer_360" in plan) == ("mart_customer_360" in indexes[0]), "no customer is looked up in vain"


def test_each_panel_is_planned_for_its_filters(planner: psycopg.Connection) -> None:
    found = planner.execute(
        "select proname, 'plan_cache_mode=force_custom_plan' = any(proconfig)"
        " from pg_proc where proname like 'metric\\_%'"
    ).fetchall()
    assert len(found) > 10
    assert all(is_planned for _, is_planned in found), found
