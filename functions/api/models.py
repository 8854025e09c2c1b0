"""The shapes of the API's answers, as OpenAPI documents them.

PostgreSQL builds the JSON itself (twice the requests per second of row objects, see FACTS.md), from the fields
listed here: `queries.py` selects exactly these columns of the view of the same name. The models describe, they do
not serialise.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

_MONEY_SCHEMA = {
    "type": "number",
    "format": "decimal",
    "description": "Exact amount, at least two decimals; written from the decimal, never through a binary float.",
    "examples": [1234.5],
}

Money = Annotated[Decimal, WithJsonSchema(_MONEY_SCHEMA)]
"""An amount as a JSON number with at least two decimals and all that the data have, such as `1234.50`."""


class Answer(BaseModel):
    """Base of all answers: an object with exactly the fields listed."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Customer(Answer):
    """A customer with the figures of all their orders (`business_vault.vw_customer_360`)."""

    customer_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    country: str | None
    state: str | None
    city: str | None
    customer_segment: str | None
    signup_date: date | None
    total_orders: Annotated[int, Field(description="Orders, not order lines.")]
    lifetime_value: Annotated[Money, Field(description="Sum of all order lines, whatever their status.")]
    avg_order_value: Annotated[Money | None, Field(description="Null without orders; rounded to the cent.")]
    first_order_date: datetime | None
    last_order_date: datetime | None


class Product(Answer):
    """A product with the figures of all its sales (`business_vault.vw_product_analytics`)."""

    product_id: str
    product_name: str | None
    category: str | None
    price: Money | None
    cost: Money | None
    supplier: str | None
    total_sold: Annotated[int, Field(description="Order lines that name this product.")]
    total_quantity: Annotated[int, Field(description="Pieces sold, less pieces returned.")]
    revenue: Money
    avg_price: Money | None


class OrderLine(Answer):
    """One line of an order (`business_vault.vw_order_analytics`)."""

    transaction_id: str
    line_number: int
    customer_id: Annotated[str | None, Field(description="Null for an anonymous sale.")]
    product_id: str
    order_date: datetime | None
    quantity: Annotated[int, Field(description="Negative for a return.")]
    unit_price: Money
    total_amount: Money
    payment_method: str | None
    order_status: str | None


class Page(Answer):
    """What every list answers beside its items."""

    total: Annotated[int, Field(ge=0, description="Items in the whole list, at the instant of the answer.")]
    next: Annotated[str | None, Field(description="Absolute URL of the next page; null on the last.")]


class CustomerPage(Page):
    """Customers in the order of `customer_id`."""

    items: list[Customer]


class ProductPage(Page):
    """Products in the order of `product_id`."""

    items: list[Product]


class OrderPage(Page):
    """Order lines: all of them by `transaction_id`, `line_number`, `product_id`; one customer's newest first."""

    items: list[OrderLine]


class Health(Answer):
    """The process answers; says nothing about the database."""

    status: str


class ParameterError(Answer):
    """One parameter that is not as documented."""

    parameter: str
    location: Annotated[str, Field(description="`query`, `path`, `header` or `body`.")]
    detail: str


class Problem(Answer):
    """Every error, as problem details (RFC 9457, `application/problem+json`)."""

    type: Annotated[str, Field(description="`about:blank`: the status says what kind of problem it is.")]
    title: str
    status: int
    detail: Annotated[str, Field(description="What went wrong here, and what to do.")]
    request_id: Annotated[str, Field(description="Also in `X-Request-ID` and in the log.")]
    errors: Annotated[list[ParameterError] | None, Field(description="With status 422: each parameter at fault.")] = (
        None
    )
