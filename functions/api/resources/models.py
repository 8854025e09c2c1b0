"""The shapes of the API's answers, as OpenAPI documents them.

PostgreSQL builds the JSON itself, from the fields listed here: `listing.py` selects exactly these columns of the
view of the same name. The models describe, they do not serialise. What sql/model.yaml calls personal is masked
for callers without the scope `pii:read`.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

_MONEY_SCHEMA = {
    "type": "number",
    "format": "decimal",
    "description": "Exact amount, at least two decimals; written from the decimal, never through a binary float.",
    "examples": [1234.5],
}

Money = Annotated[Decimal, WithJsonSchema(_MONEY_SCHEMA)]
"""An amount as a JSON number with at least two decimals and all that the data have, such as `1234.50`."""


_SCORE = Field(description="1 to 5, the best; null without orders.", ge=1, le=5)


class Answer(BaseModel):
    """Base of all answers: an object with exactly the fields listed."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def _optional(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class Item(Answer):
    """An object of a list; all its fields are there unless the caller's `fields` selects some."""

    model_config = ConfigDict(json_schema_extra=_optional)


class CustomerThen(Item):
    """A customer as of an instant (`business_vault.customer_360_as_of`)."""

    customer_id: Annotated[str, Field(examples=["C000042"])]
    first_name: Annotated[str | None, Field(examples=["Anna"])]
    last_name: Annotated[str | None, Field(examples=["Schmidt"])]
    email: Annotated[str | None, Field(examples=["anna.schmidt@example.com"])]
    phone: Annotated[str | None, Field(examples=["+49 30 901820"])]
    country: Annotated[str | None, Field(examples=["Germany"])]
    state: Annotated[str | None, Field(examples=["Berlin"])]
    city: Annotated[str | None, Field(examples=["Berlin"])]
    customer_segment: Annotated[str | None, Field(examples=["Gold"])]
    signup_date: Annotated[date | None, Field(examples=["2025-05-06"])]
    total_orders: Annotated[int, Field(description="Orders, not order lines.", examples=[12])]
    lifetime_value: Annotated[Money, Field(description="Sum of all order lines, whatever their status.")]
    avg_order_value: Annotated[Money | None, Field(description="Null without orders; rounded to the cent.")]
    first_order_date: Annotated[datetime | None, Field(examples=["2025-06-01T10:15:00+00:00"])]
    last_order_date: Annotated[datetime | None, Field(examples=["2026-10-30T18:02:11+00:00"])]


class Customer(CustomerThen):
    """A customer with the figures of all their orders (`business_vault.vw_customer_360`, without live activity).

    Windows are of whole days in UTC and end with the day of the last publication. RFM scores are quintiles of all
    customers who have ordered, 5 the best. With `as_of` or `known_at` the fields after `last_order_date` are absent.
    """

    days_since_last_order: int | None
    orders_30_days: int
    orders_90_days: int
    orders_365_days: int
    revenue_30_days: Money
    revenue_90_days: Money
    revenue_365_days: Money
    favourite_category: Annotated[str | None, Field(description="That of most revenue.", examples=["Books"])]
    is_deleted: Annotated[bool, Field(description="Missing from the last complete list of customers.")]
    rfm_recency: Annotated[int | None, _SCORE]
    rfm_frequency: Annotated[int | None, _SCORE]
    rfm_monetary: Annotated[int | None, _SCORE]
    rfm_label: Annotated[
        str | None, Field(description="champions, loyal, new, promising, at risk or lost.", examples=["loyal"])
    ]


class CustomerProfile(Customer):
    """A customer with the figures of all their orders and what they do now on the website.

    The fields after `rfm_label` are counted when asked for; nulls and zeros for one who was never seen.
    """

    last_seen_at: datetime | None
    last_event_type: Annotated[str | None, Field(examples=["click"])]
    last_session_id: str | None
    last_product_id: Annotated[str | None, Field(examples=["P00017"])]
    events_last_5_minutes: int
    events_last_hour: int
    events_last_day: int


class ProductThen(Item):
    """A product as of an instant (`business_vault.product_analytics_as_of`)."""

    product_id: Annotated[str, Field(examples=["P00017"])]
    product_name: Annotated[str | None, Field(examples=["Desk lamp"])]
    category: Annotated[str | None, Field(examples=["Home"])]
    price: Money | None
    cost: Money | None
    supplier: Annotated[str | None, Field(examples=["Acme"])]
    total_sold: Annotated[int, Field(description="Order lines that name this product.", examples=[20])]
    total_quantity: Annotated[int, Field(description="Pieces sold, less pieces returned.", examples=[41])]
    revenue: Money
    avg_price: Money | None


class Product(ProductThen):
    """A product with the figures of all its sales (`business_vault.vw_product_analytics`).

    With `as_of` or `known_at` the field `is_deleted` is absent.
    """

    is_deleted: Annotated[bool, Field(description="Missing from the last complete list of products.")]


class OrderLine(Item):
    """One line of an order (`business_vault.vw_order_analytics`)."""

    transaction_id: Annotated[str, Field(examples=["T0000815"])]
    line_number: Annotated[int, Field(examples=[1])]
    customer_id: Annotated[str | None, Field(description="Null for an anonymous sale.", examples=["C000042"])]
    product_id: Annotated[str, Field(examples=["P00017"])]
    order_date: Annotated[datetime | None, Field(examples=["2026-10-30T18:02:11+00:00"])]
    quantity: Annotated[int, Field(description="Negative for a return.", examples=[2])]
    unit_price: Money
    total_amount: Money
    payment_method: Annotated[str | None, Field(examples=["credit_card"])]
    order_status: Annotated[str | None, Field(examples=["Completed"])]


class Page(Answer):
    """What every list answers beside its items."""

    total: Annotated[int, Field(ge=0, description="Items in the whole list, at the instant of the answer.")]
    next: Annotated[str | None, Field(description="Absolute URL of the next page; null on the last.")]


class CustomerPage(Page):
    """Customers."""

    items: list[Customer]


class ProductPage(Page):
    """Products."""

    items: list[Product]


class OrderPage(Page):
    """Order lines."""

    items: list[OrderLine]


class Health(Answer):
    """The process answers; says nothing about the database."""

    status: Annotated[str, Field(examples=["ok"])]


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
