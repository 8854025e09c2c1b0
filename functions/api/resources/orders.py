"""Order lines: all of them, and those of one customer."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, LiteralString

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from functions.api.answers import Item, MartPage, Money
from functions.api.paging.collection import Collection, Sort, as_of_function, hub, view
from functions.api.paging.parameters import Instant, MartQuery, Value, Values
from functions.api.plain_route import PlainRoute
from functions.api.problems import ITEM_PROBLEMS, LIST_PROBLEMS
from functions.api.responses import CustomerId, list_response, query_parameters

router = APIRouter(route_class=PlainRoute)


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


class OrderPage(MartPage):
    """Order lines."""

    items: list[OrderLine]


_ORDER_FILTERS: dict[str, LiteralString] = {
    "status": "(order_status = %(status)s or %(status)s = '' and order_status is null)",
    "product_id": "product_id = %(product_id)s",
    "ordered_from": "order_date >= %(ordered_from)s",
    "ordered_before": "order_date < %(ordered_before)s",
}
_SEVERAL_STATUSES: dict[str, LiteralString] = {
    "status": "(order_status = any(%(status)s) or order_status is null and '' = any(%(status)s))",
}
OrderSort = Literal[
    "transaction_id", "-transaction_id", "order_date", "-order_date", "total_amount", "-total_amount",
]  # fmt: skip


class CustomerOrdersQuery(MartQuery):
    """The list of one customer's order lines."""

    ITEM = OrderLine
    FILTERS: ClassVar[dict[str, LiteralString]] = _ORDER_FILTERS
    SEVERAL: ClassVar[dict[str, LiteralString]] = _SEVERAL_STATUSES

    sort: OrderSort = "-order_date"
    status: Annotated[Values | None, Field(description="Any of these; empty: unknown.")] = None
    product_id: Value | None = None
    ordered_from: Annotated[Instant | None, Field(description="Ordered at this instant or later.")] = None
    ordered_before: Annotated[Instant | None, Field(description="Ordered before this instant.")] = None


_OF_THE_PRESENT: dict[str, LiteralString] = {
    # what no zone puts into these days, the index leaves out
    "since": "order_date >= (%(since)s::date - 1)::timestamp at time zone 'UTC' and order_day >= %(since)s::date",
    "until": "order_date < (%(until)s::date + 2)::timestamp at time zone 'UTC' and order_day <= %(until)s::date",
    "segment": "(customer_segment = %(segment)s or %(segment)s = '' and customer_segment is null)",
    "country": "(country = %(country)s or %(country)s = '' and country is null)",
    "state": "(state = %(state)s or %(state)s = '' and state is null)",
    "category": "(category = %(category)s or %(category)s = '' and category is null)",
    "weekday": "extract(isodow from order_day) = %(weekday)s",
    "hour": "order_hour = %(hour)s",
}


class OrdersQuery(CustomerOrdersQuery):
    """The list of all order lines."""

    FILTERS: ClassVar[dict[str, LiteralString]] = {
        **_ORDER_FILTERS,
        "customer_id": "customer_id = %(customer_id)s",
        **_OF_THE_PRESENT,
    }
    SEVERAL: ClassVar[dict[str, LiteralString]] = {
        **_SEVERAL_STATUSES,
        "segment": "(customer_segment = any(%(segment)s) or customer_segment is null and '' = any(%(segment)s))",
        "state": "(state = any(%(state)s) or state is null and '' = any(%(state)s))",
        "category": "(category = any(%(category)s) or category is null and '' = any(%(category)s))",
    }

    sort: OrderSort = "transaction_id"
    customer_id: Value | None = None
    since: Annotated[date | None, Field(description="Ordered on this day of the reporting time zone or later.")] = None
    until: Annotated[date | None, Field(description="Ordered on this day or earlier.")] = None
    segment: Annotated[
        Values | None, Field(description="The customer's segment now: any of these; empty: unknown.")
    ] = None
    country: Annotated[Value | None, Field(description="The customer's country now; empty: unknown.")] = None
    state: Annotated[Values | None, Field(description="The customer's state now: any of these; empty: unknown.")] = None
    category: Annotated[
        Values | None, Field(description="The product's category now: any of these; empty: unknown.")
    ] = None
    weekday: Annotated[int | None, Field(ge=1, le=7, description="In the reporting time zone: 1 Monday to 7.")] = None
    hour: Annotated[int | None, Field(ge=0, le=23, description="Ordered in this hour of the reporting time zone.")] = (
        None
    )

    @model_validator(mode="after")
    def _of_the_present(self) -> "OrdersQuery":
        if self.instants and self.filtered.keys() & _OF_THE_PRESENT.keys():
            raise ValueError(f"not as of an instant: {', '.join(_OF_THE_PRESENT)}")
        return self


_ORDER_KEY = (Sort("transaction_id"), Sort("line_number", "bigint"), Sort("product_id"))
_ORDER_SORTS = {
    "transaction_id": _ORDER_KEY[0],
    "order_date": Sort("order_date", "timestamptz"),
    "total_amount": Sort("total_amount", "numeric"),
}
ORDERS_OF_KEY = Collection(
    OrderLine,
    view("vw_sale_line"),
    key=_ORDER_KEY,
    sorts=_ORDER_SORTS,
    as_of=as_of_function("order_analytics_as_of"),
    mart="mart_order_line",
)
"""The lines of one customer or one product, as of an instant found by its key."""
ORDERS = replace(
    ORDERS_OF_KEY,
    as_of=as_of_function("order_analytics_in_order_as_of"),
    hub=hub("hub_order"),
    whole_as_of=as_of_function("order_analytics_whole_as_of"),
)
ORDERS_OF_CUSTOMER = replace(
    ORDERS_OF_KEY, exists="exists (select from business_vault.vw_customer_360 where customer_id = %(customer_id)s)"
)


@router.get(
    "/orders",
    response_model=OrderPage,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(OrdersQuery),
    tags=["orders"],
)
async def list_orders(request: Request) -> Response:
    """Order lines, in the order of their keys, dates or amounts."""
    of_key = request.query_params.keys() & {"customer_id", "product_id"}
    return await list_response(request, ORDERS_OF_KEY if of_key else ORDERS, OrdersQuery)


@router.get(
    "/customers/{customer_id:key}/orders",
    response_model=OrderPage,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(CustomerOrdersQuery),
    tags=["customers"],
)
async def list_orders_of_customer(request: Request, customer_id: CustomerId) -> Response:
    """One customer's order lines, the newest order first; an empty list for a customer who has ordered nothing."""
    return await list_response(
        request,
        ORDERS_OF_CUSTOMER,
        CustomerOrdersQuery,
        ("customer_id = %(customer_id)s",),
        {"customer_id": customer_id},
    )
