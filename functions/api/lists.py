"""The lists that the API serves, and a page of one: its items, its total, and where it goes on."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from functions.api import cursor, models
from functions.api.database import Database, Row
from functions.api.listing import Listing, Selection, Sort, page_statement

_AS_OF = "(%(as_of)s::timestamptz, %(known_at)s::timestamptz)"
_REMEMBERED_TOTALS = 1_000

_CUSTOMER_ID = Sort("customer_id")
_PRODUCT_ID = Sort("product_id")
_ORDER_KEY = (Sort("transaction_id"), Sort("line_number", "bigint"), Sort("product_id"))
_ORDER_SORTS = {
    "transaction_id": _ORDER_KEY[0],
    "order_date": Sort("order_date", "timestamptz"),
}

CUSTOMERS = Listing(
    models.Customer,
    "business_vault.vw_customer_360",
    key=(_CUSTOMER_ID,),
    sorts={
        "customer_id": _CUSTOMER_ID,
        "lifetime_value": Sort("lifetime_value", "numeric"),
        "total_orders": Sort("total_orders", "bigint"),
        "last_order_date": Sort("coalesce(last_order_date, '-infinity')", "timestamptz"),
        "signup_date": Sort("coalesce(signup_date, '-infinity')", "date"),
    },
    as_of=f"business_vault.customer_360_as_of{_AS_OF}",
)
PRODUCTS = Listing(
    models.Product,
    "business_vault.vw_product_analytics",
    key=(_PRODUCT_ID,),
    sorts={
        "product_id": _PRODUCT_ID,
        "revenue": Sort("revenue", "numeric"),
        "total_quantity": Sort("total_quantity", "numeric"),
    },
    as_of=f"business_vault.product_analytics_as_of{_AS_OF}",
)
ORDERS = Listing(
    models.OrderLine,
    "business_vault.vw_order_analytics",
    key=_ORDER_KEY,
    sorts=_ORDER_SORTS,
    as_of=f"business_vault.order_analytics_as_of{_AS_OF}",
)
ORDERS_OF_CUSTOMER = replace(
    ORDERS, exists="exists (select from business_vault.vw_customer_360 where customer_id = %(customer_id)s)"
)


@dataclass(frozen=True)
class Page:
    """`items` holds the items' JSON objects separated by commas, `total` counts the whole list.

    `after` is the cursor of the next page, None on the last; `watermark` says of which publication of the marts
    this is, None where that is not known; `exists` is false where what the list hangs on does not exist.
    """

    items: str
    total: int
    after: str | None
    watermark: str | None
    exists: bool


class Totals:
    """How many items the lists have, counted once for each publication of the marts.

    A count over a million rows takes longer than the page it stands on, and the marts change once a night.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[object, tuple[str, int]] = OrderedDict()

    def known(self, key: object) -> tuple[str, int] | None:
        """The watermark at which the list was counted last, and its total then."""
        return self._known.get(key)

    def learn(self, key: object, watermark: str | None, total: int) -> None:
        """Remember a total, which holds as long as the watermark does."""
        if watermark is None:
            return
        self._known[key] = (watermark, total)
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED_TOTALS:
            self._known.popitem(last=False)


async def read_page(
    database: Database,
    totals: Totals,
    wanted: Selection,
    values: dict[str, Any],
    *,
    skip: int,
    limit: int,
    after: str | None,
) -> Page:
    """A page of a list. Raises BadParameterError when `after` is not a cursor of this list."""
    order = wanted.listing.order(wanted.sort)
    parameters = values | {"skip": skip, "limit": limit}
    if after is not None:
        wanted = replace(wanted, after_cursor=True)
        position = cursor.decode(after, wanted.sort, [each.type for each in order])
        parameters |= {f"after_{n}": value for n, value in enumerate(position)}
    list_key = (id(wanted.listing), wanted.conditions, tuple(values.values()))
    known = None if wanted.as_of else totals.known(list_key)
    if known is not None:
        row = await database.read_row(page_statement(replace(wanted, counted=False)), parameters)
        if row[0] == known[0]:
            return _page(row, known[1], wanted.sort)
    row = await database.read_row(page_statement(wanted), parameters)
    totals.learn(list_key, row[0], row[3])
    return _page(row, row[3], wanted.sort)


def _page(row: Row, total: int, sort: str) -> Page:
    watermark, items, last, _, exists = row
    after = None if last is None else cursor.encode(sort, last)
    return Page(items or "", total, after, watermark, exists)
