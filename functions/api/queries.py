"""The statements behind the endpoints, and the JSON that they return.

A list is one statement, so its items and its total are of one instant. PostgreSQL writes the items' JSON; numbers
of type numeric arrive in it digit for digit.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args

from psycopg import sql

from functions.api.database import Database
from functions.api.models import Answer, Customer, OrderLine, Product

_AMOUNT = sql.SQL("round({column}, greatest(2, min_scale({column}))) as {column}")

_ONE = sql.SQL("""
select (
    select row_to_json(item)::text
    from (select {columns} from {view} where {key} = %(key)s) as item
)
""")

_PAGE = sql.SQL("""
with page as (
    select {names}
    from {view}
    where {condition}
    order by {order}
    limit %(limit)s
    offset %(skip)s
)
select
    (select count(*) from {view} where {condition}),
    (
        select coalesce(string_agg(row_to_json(item)::text, ',' order by {order}), '')
        from (select {columns} from page) as item
    ),
    {exists}
""")


_TRUE = sql.SQL("true")


@dataclass(frozen=True)
class Items:
    """A page of a list: `json` holds the items' objects separated by commas, `total` counts the whole list."""

    json: str
    total: int


def _view(name: str) -> sql.Identifier:
    return sql.Identifier("business_vault", name)


def _is_amount(annotation: object) -> bool:
    return annotation is Decimal or any(_is_amount(part) for part in get_args(annotation))


def _columns(model: type[Answer]) -> sql.Composable:
    """The columns named like the model's fields; amounts with at least two decimals, none lost."""
    return sql.SQL(", ").join(
        _AMOUNT.format(column=sql.Identifier(name)) if _is_amount(field.annotation) else sql.Identifier(name)
        for name, field in model.model_fields.items()
    )


def _one(view: str, model: type[Answer], key: str) -> bytes:
    return _ONE.format(columns=_columns(model), view=_view(view), key=sql.Identifier(key)).as_bytes(None)


def _page(
    view: str,
    model: type[Answer],
    order: sql.Composable,
    condition: sql.Composable = _TRUE,
    exists: sql.Composable = _TRUE,
) -> bytes:
    return _PAGE.format(
        names=sql.SQL(", ").join(map(sql.Identifier, model.model_fields)),
        columns=_columns(model),
        view=_view(view),
        order=order,
        condition=condition,
        exists=exists,
    ).as_bytes(None)


_CUSTOMER = _one("vw_customer_360", Customer, "customer_id")
_CUSTOMERS = _page("vw_customer_360", Customer, sql.SQL("customer_id"))
_PRODUCTS = _page("vw_product_analytics", Product, sql.SQL("product_id"))
_ORDERS = _page("vw_order_analytics", OrderLine, sql.SQL("transaction_id, line_number, product_id"))
_ORDERS_OF_CUSTOMER = _page(
    "vw_order_analytics",
    OrderLine,
    sql.SQL("order_date desc, transaction_id, line_number, product_id"),
    condition=sql.SQL("customer_id = %(customer_id)s"),
    exists=sql.SQL("exists (select from {} where customer_id = %(customer_id)s)").format(_view("vw_customer_360")),
)


def _is_storable(key: str) -> bool:
    """Whether PostgreSQL could hold this text at all; if not, nothing is stored under it."""
    return "\x00" not in key and not any("\ud800" <= character <= "\udfff" for character in key)


def _items(row: tuple[Any, ...]) -> Items:
    return Items(total=row[0], json=row[1])


def customer(database: Database, customer_id: str) -> str | None:
    """The customer as a JSON object, None when unknown."""
    if not _is_storable(customer_id):
        return None
    row = database.read_row(_CUSTOMER, {"key": customer_id})
    found: str | None = row[0]
    return found


def customers(database: Database, *, skip: int, limit: int) -> Items:
    """Customers in the order of `customer_id`."""
    return _items(database.read_row(_CUSTOMERS, {"skip": skip, "limit": limit}))


def products(database: Database, *, skip: int, limit: int) -> Items:
    """Products in the order of `product_id`."""
    return _items(database.read_row(_PRODUCTS, {"skip": skip, "limit": limit}))


def orders(database: Database, *, skip: int, limit: int) -> Items:
    """Order lines in the order of `transaction_id`, `line_number`, `product_id`."""
    return _items(database.read_row(_ORDERS, {"skip": skip, "limit": limit}))


def orders_of_customer(database: Database, customer_id: str, *, skip: int, limit: int) -> Items | None:
    """One customer's order lines, newest order first; None when the customer is unknown."""
    if not _is_storable(customer_id):
        return None
    parameters = {"customer_id": customer_id, "skip": skip, "limit": limit}
    row = database.read_row(_ORDERS_OF_CUSTOMER, parameters)
    return _items(row) if row[2] else None
