"""The lists that the API serves, and a page of one: its items, its total, and where it goes on."""

from dataclasses import dataclass, replace
from typing import Any

from psycopg import sql

from functions.api.database import Database, Row
from functions.api.paging import cursor
from functions.api.paging.cache import Memory
from functions.api.paging.collection import Listing, Selection, Sort, page_statement
from functions.api.resources import models

_CUSTOMER_ID = Sort("customer_id")
_PRODUCT_ID = Sort("product_id")
_ORDER_KEY = (Sort("transaction_id"), Sort("line_number", "bigint"), Sort("product_id"))
_ORDER_SORTS = {
    "transaction_id": _ORDER_KEY[0],
    "order_date": Sort("order_date", "timestamptz"),
}


def _view(name: str) -> sql.Composable:
    return sql.Identifier("business_vault", name)


def _as_it_was(function: str) -> sql.Composable:
    return sql.SQL("{}(%(as_of)s::timestamptz, %(known_at)s::timestamptz)").format(_view(function))


CUSTOMERS = Listing(
    models.Customer,
    _view("vw_customer_360"),
    key=(_CUSTOMER_ID,),
    sorts={
        "customer_id": _CUSTOMER_ID,
        "lifetime_value": Sort("lifetime_value", "numeric"),
        "total_orders": Sort("total_orders", "bigint"),
        "last_order_date": Sort("coalesce(last_order_date, '-infinity')", "timestamptz"),
        "signup_date": Sort("coalesce(signup_date, '-infinity')", "date"),
    },
    as_of=_as_it_was("customer_360_as_of"),
    model_as_of=models.CustomerThen,
    mart="mart_customer_360",
)
PROFILE = replace(CUSTOMERS, model=models.CustomerProfile)
PRODUCTS = Listing(
    models.Product,
    _view("vw_product_analytics"),
    key=(_PRODUCT_ID,),
    sorts={
        "product_id": _PRODUCT_ID,
        "revenue": Sort("revenue", "numeric"),
        "total_quantity": Sort("total_quantity", "numeric"),
    },
    as_of=_as_it_was("product_analytics_as_of"),
    model_as_of=models.ProductThen,
    mart="mart_product_analytics",
)
ORDERS = Listing(
    models.OrderLine,
    _view("vw_order_analytics"),
    key=_ORDER_KEY,
    sorts=_ORDER_SORTS,
    as_of=_as_it_was("order_analytics_as_of"),
    mart="mart_order_line",
)
ORDERS_OF_CUSTOMER = replace(
    ORDERS, exists="exists (select from business_vault.vw_customer_360 where customer_id = %(customer_id)s)"
)


@dataclass(frozen=True)
class Page:
    """`items` holds the `count` items' JSON objects separated by commas, `total` counts the whole list.

    `after` is the cursor of the next page, None on the last; `watermark` says of which publication of the marts
    this is, None where that is not known; `exists` is false where what the list hangs on does not exist.
    """

    items: str
    count: int
    total: int
    after: str | None
    watermark: str | None
    exists: bool


async def read_page(
    database: Database,
    memory: Memory,
    wanted: Selection,
    values: dict[str, Any],
    *,
    skip: int,
    limit: int,
    after: str | None,
    watermark: str | None = None,
) -> Page:
    """A page of a list. `watermark` is the marts' where the caller has just asked for it.

    Raises BadParameterError when `after` is not a cursor of this list.
    """
    parameters = values | {"skip": skip, "limit": limit}
    if after is not None:
        wanted = replace(wanted, after_cursor=True)
        order = wanted.listing.order(wanted.sort)
        position = cursor.decode(after, wanted.sort, [each.type for each in order])
        parameters |= {f"after_{n}": value for n, value in enumerate(position)}
    page_key = (wanted, *parameters.values())
    total_key = (wanted.listing, wanted.conditions, *values.values())
    if memory.holds(page_key):
        page: Page | None = memory.recall(page_key, watermark or await memory.current_watermark(database))
        if page is not None:
            return page
    counted_at = memory.watermark  # by the time that the page is read, the memory may be another publication's
    total: int | None = memory.recall(total_key, counted_at)
    row = await database.read_row(page_statement(replace(wanted, counted=total is None)), parameters)
    if total is not None and row[0] != counted_at:
        # published since that total was counted
        total = None
        row = await database.read_row(page_statement(wanted), parameters)
    found = _page(row, row[3] if total is None else total, wanted.sort)
    memory.learn(total_key, found.total, found.watermark)
    memory.learn(page_key, found, found.watermark, size=2 * len(found.items) + 500)
    return found


def _page(row: Row, total: int, sort: str) -> Page:
    watermark, items, last, _, exists, count = row
    after = None if last is None else cursor.encode(sort, last)
    return Page(items or "", count, total, after, watermark, exists)
