"""Customers: the list, and one of them, now or as of an instant."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal, LiteralString

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from functions.api.answers import Item, MartPage, Money
from functions.api.paging.collection import Collection, Sort, as_of_function, hub, view
from functions.api.paging.parameters import ItemQuery, MartQuery, Search, Value, Values
from functions.api.plain_route import PlainRoute
from functions.api.problems import ITEM_PROBLEMS, LIST_PROBLEMS
from functions.api.responses import CustomerId, item_response, list_response, query_parameters, unknown_customer

router = APIRouter(tags=["customers"], route_class=PlainRoute)

_SCORE = Field(description="1 to 5, the best; null without orders.", ge=1, le=5)


class CustomerAsOf(Item):
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


class Customer(CustomerAsOf):
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


class CustomerPage(MartPage):
    """Customers."""

    items: list[Customer]


class CustomerQuery(ItemQuery):
    """One customer."""

    ITEM = CustomerProfile


_COHORT = "to_date(%(cohort)s, 'YYYY-MM')"
_ZONE = "(select r.time_zone from business_vault.vw_reporting as r)"
_OF_THE_PRESENT: dict[str, LiteralString] = {
    "rfm_label": "(rfm_label = %(rfm_label)s or %(rfm_label)s = '' and rfm_label is null)",
    "rfm_recency": "rfm_recency = %(rfm_recency)s",
    "rfm_frequency": "rfm_frequency = %(rfm_frequency)s",
    "rfm_monetary": "rfm_monetary = %(rfm_monetary)s",
    "cohort": (
        f"first_order_date >= {_COHORT}::timestamp at time zone {_ZONE}"
        f" and first_order_date < ({_COHORT} + interval '1 month') at time zone {_ZONE}"
    ),
    "months_later": (
        "exists (select from business_vault.vw_customer_month as m where m.customer_id = item.customer_id"
        f" and m.month = ({_COHORT} + make_interval(months => %(months_later)s))::date)"
    ),
    "min_orders": "total_orders >= %(min_orders)s",
}
_Score = Annotated[int, Field(ge=1, le=5)]


class CustomersQuery(MartQuery):
    """The list of customers."""

    ITEM = Customer
    FILTERS: ClassVar[dict[str, LiteralString]] = {
        "segment": "(customer_segment = %(segment)s or %(segment)s = '' and customer_segment is null)",
        "country": "(country = %(country)s or %(country)s = '' and country is null)",
        "state": "(state = %(state)s or %(state)s = '' and state is null)",
        "email": "lower(email) = lower(%(email)s)",
        **_OF_THE_PRESENT,
    }
    SEVERAL: ClassVar[dict[str, LiteralString]] = {
        "segment": "(customer_segment = any(%(segment)s) or customer_segment is null and '' = any(%(segment)s))",
        "state": "(state = any(%(state)s) or state is null and '' = any(%(state)s))",
    }
    PERSONAL = frozenset({"email", "q"})
    SEARCHED = "lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(email, ''))"

    sort: Literal[
        "customer_id", "-customer_id", "lifetime_value", "-lifetime_value", "total_orders", "-total_orders",
        "last_order_date", "-last_order_date", "signup_date", "-signup_date",
    ] = "customer_id"  # fmt: skip
    segment: Annotated[Values | None, Field(description="Any of these; empty: unknown.")] = None
    country: Annotated[Value | None, Field(description="Empty: unknown.")] = None
    state: Annotated[Values | None, Field(description="Any of these; empty: unknown.")] = None
    email: Annotated[Value | None, Field(description="The whole address, in any case; needs `pii:read`.")] = None
    q: Annotated[Search | None, Field(description="Words of first name, last name or e-mail; needs `pii:read`.")] = None
    rfm_label: Annotated[Value | None, Field(description="The group; empty: none, which is without orders.")] = None
    rfm_recency: _Score | None = None
    rfm_frequency: _Score | None = None
    rfm_monetary: _Score | None = None
    cohort: Annotated[
        str | None,
        Field(
            pattern=r"^(000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-(0[1-9]|1[0-2])$",
            description="The month of the first order in the reporting time zone, such as 2026-03.",
        ),
    ] = None
    months_later: Annotated[
        int | None, Field(ge=0, le=1200, description="Ordered so many months after the cohort's month, too.")
    ] = None
    min_orders: Annotated[int | None, Field(ge=0, le=2**31 - 1, description="So many orders or more.")] = None

    @model_validator(mode="after")
    def _fit_together(self) -> "CustomersQuery":
        if self.months_later is not None and self.cohort is None:
            raise ValueError("months_later needs a cohort")
        if self.instants and self.filtered.keys() & _OF_THE_PRESENT.keys():
            raise ValueError(f"not as of an instant: {', '.join(_OF_THE_PRESENT)}")
        return self


_CUSTOMER_ID = Sort("customer_id")
CUSTOMERS = Collection(
    Customer,
    view("vw_customer_360"),
    key=(_CUSTOMER_ID,),
    sorts={
        "customer_id": _CUSTOMER_ID,
        "lifetime_value": Sort("lifetime_value", "numeric"),
        "total_orders": Sort("total_orders", "bigint"),
        "last_order_date": Sort("coalesce(last_order_date, '-infinity')", "timestamptz"),
        "signup_date": Sort("coalesce(signup_date, '-infinity')", "date"),
    },
    as_of=as_of_function("customer_360_as_of"),
    hub=hub("hub_customer"),
    whole_as_of=as_of_function("customer_360_whole_as_of"),
    model_as_of=CustomerAsOf,
    mart="mart_customer_360",
)
PROFILE = replace(CUSTOMERS, model=CustomerProfile)


@router.get(
    "/customers",
    response_model=CustomerPage,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(CustomersQuery),
)
async def list_customers(request: Request) -> Response:
    """Customers, in the order of their ids or of a figure; those who lack it come where the smallest would."""
    return await list_response(request, CUSTOMERS, CustomersQuery)


@router.get(
    "/customers/{customer_id:key}",
    response_model=CustomerProfile,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(CustomerQuery),
)
async def get_customer(request: Request, customer_id: CustomerId) -> Response:
    """One customer, with the figures of all their orders and their live activity, or as of an instant."""
    return await item_response(request, PROFILE, CustomerQuery, customer_id) or unknown_customer(request)
