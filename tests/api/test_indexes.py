"""Every filter and every sort can be answered from an index: none of them has to read a whole mart."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from functions.api.paging.collection import Listing, Selection, page_statement
from functions.api.paging.parameters import ListQuery
from functions.api.resources import collections as lists
from functions.api.resources.route_parameters import CustomerOrdersQuery, CustomersQuery, OrdersQuery, ProductsQuery
from tests.support import night

LISTS: list[tuple[Listing, type[ListQuery]]] = [
    (lists.CUSTOMERS, CustomersQuery),
    (lists.PRODUCTS, ProductsQuery),
    (lists.ORDERS, OrdersQuery),
]
VALUES = {"ordered_from": "2026-01-01", "ordered_before": "2026-01-01", "q": "schmidt"}


def _cases() -> Iterator[Any]:
    for listing, query in LISTS:
        for name in listing.sorts:
            for sort in (name, f"-{name}"):
                yield pytest.param(listing, query(sort=sort), id=f"{query.__name__} {sort}")
        for name in (*query.FILTERS, "q"):
            if name in query.model_fields:
                given = {name: VALUES.get(name, "x")}
                yield pytest.param(listing, query.model_validate(given), id=f"{query.__name__} {name}")


@pytest.fixture(scope="module")
def planner(night_url: str) -> Iterator[psycopg.Connection]:
    """A connection that reads a whole table only where it has no other way."""
    with psycopg.connect(night.role_url(night_url, "c360_api"), options="-c enable_seqscan=off") as connection:
        yield connection


@pytest.mark.parametrize(("listing", "query"), list(_cases()))
def test_an_index_answers(planner: psycopg.Connection, listing: Listing, query: ListQuery) -> None:
    wanted = Selection(listing, (), False, query.sort, query.conditions, counted=bool(query.filtered))
    plan = _plan(planner, wanted, query.values)
    assert "Index" in plan
    assert "Seq Scan on mart_" not in plan
    if not query.filtered:
        assert "Sort Key" not in plan or "Presorted Key" in plan, "the sort's index gives the order"


def test_one_customers_orders_come_from_their_index_in_order(planner: psycopg.Connection) -> None:
    query = CustomerOrdersQuery()
    wanted = Selection(lists.ORDERS_OF_CUSTOMER, (), False, query.sort, ("customer_id = %(customer_id)s",))
    plan = _plan(planner, wanted, {"customer_id": "C0001"})
    assert "mart_order_line_customer" in plan
    assert "Seq Scan on mart_" not in plan


@pytest.mark.parametrize("listing", [listing for listing, _ in LISTS])
def test_a_page_after_a_cursor_begins_where_the_index_has_it(planner: psycopg.Connection, listing: Listing) -> None:
    for sort in listing.sorts:
        order = listing.order(sort)
        values = {"text": "C0001", "bigint": "1", "numeric": "1", "timestamptz": "2026-01-01", "date": "2026-01-01"}
        after = {f"after_{n}": values[each.type] for n, each in enumerate(order)}
        plan = _plan(planner, Selection(listing, (), False, sort, after_cursor=True, counted=False), after)
        assert "Index Cond" in plan, sort
        assert "Seq Scan on mart_" not in plan, sort


def _plan(connection: psycopg.Connection, wanted: Selection, values: dict[str, Any]) -> str:
    parameters = values | {"limit": 100, "skip": 0}
    return "\n".join(row[0] for row in connection.execute(b"explain " + page_statement(wanted), parameters))
