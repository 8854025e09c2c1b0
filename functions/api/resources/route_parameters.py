"""The parameters of each route."""

from typing import Annotated, ClassVar, Literal, LiteralString

from pydantic import Field

from functions.api.paging.parameters import Instant, ItemQuery, ListQuery, MartQuery, Query, Search, Value
from functions.api.resources.models import Customer, CustomerProfile, OrderLine, Product
from functions.api.resources.operations_models import Check, Run
from functions.api.resources.profile_models import CustomerVersion, TimelineEntry


class CustomerQuery(ItemQuery):
    """One customer."""

    ITEM = CustomerProfile


class CustomersQuery(MartQuery):
    """The list of customers."""

    ITEM = Customer
    FILTERS: ClassVar[dict[str, LiteralString]] = {
        "segment": "customer_segment = %(segment)s",
        "country": "country = %(country)s",
        "state": "state = %(state)s",
        "email": "lower(email) = lower(%(email)s)",
    }
    PERSONAL = frozenset({"email", "q"})
    SEARCHED = "lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(email, ''))"

    sort: Literal[
        "customer_id", "-customer_id", "lifetime_value", "-lifetime_value", "total_orders", "-total_orders",
        "last_order_date", "-last_order_date", "signup_date", "-signup_date",
    ] = "customer_id"  # fmt: skip
    segment: Value | None = None
    country: Value | None = None
    state: Value | None = None
    email: Annotated[Value | None, Field(description="The whole address, in any case; needs `pii:read`.")] = None
    q: Annotated[Search | None, Field(description="Words of first name, last name or e-mail; needs `pii:read`.")] = None


class ProductsQuery(MartQuery):
    """The list of products."""

    ITEM = Product
    FILTERS: ClassVar[dict[str, LiteralString]] = {"category": "category = %(category)s"}
    SEARCHED = "lower(product_name)"

    sort: Literal["product_id", "-product_id", "revenue", "-revenue", "total_quantity", "-total_quantity"] = (
        "product_id"
    )
    category: Value | None = None
    q: Annotated[Search | None, Field(description="Words of the product's name.")] = None


_ORDER_FILTERS: dict[str, LiteralString] = {
    "status": "order_status = %(status)s",
    "product_id": "product_id = %(product_id)s",
    "ordered_from": "order_date >= %(ordered_from)s",
    "ordered_before": "order_date < %(ordered_before)s",
}
OrderSort = Literal["transaction_id", "-transaction_id", "order_date", "-order_date"]


class CustomerOrdersQuery(MartQuery):
    """The list of one customer's order lines."""

    ITEM = OrderLine
    FILTERS: ClassVar[dict[str, LiteralString]] = _ORDER_FILTERS

    sort: OrderSort = "-order_date"
    status: Value | None = None
    product_id: Value | None = None
    ordered_from: Annotated[Instant | None, Field(description="Ordered at this instant or later.")] = None
    ordered_before: Annotated[Instant | None, Field(description="Ordered before this instant.")] = None


class OrdersQuery(CustomerOrdersQuery):
    """The list of all order lines."""

    FILTERS: ClassVar[dict[str, LiteralString]] = {**_ORDER_FILTERS, "customer_id": "customer_id = %(customer_id)s"}

    sort: OrderSort = "transaction_id"
    customer_id: Value | None = None


class TimelineQuery(ListQuery):
    """A customer's timeline."""

    ITEM = TimelineEntry
    FILTERS: ClassVar[dict[str, LiteralString]] = {"kind": "kind = %(kind)s"}

    sort: Literal["at", "-at"] = "-at"
    kind: Literal["order", "profile", "status", "event"] | None = None


class HistoryQuery(ListQuery):
    """A customer's versions."""

    ITEM = CustomerVersion
    FILTERS: ClassVar[dict[str, LiteralString]] = {}

    sort: Literal["version", "-version"] = "version"


class PeriodQuery(Query):
    """A period of orders; all time by default."""

    ordered_from: Annotated[Instant | None, Field(description="Ordered at this instant or later.")] = None
    ordered_before: Annotated[Instant | None, Field(description="Ordered before this instant.")] = None


class RunsQuery(ListQuery):
    """The nightly loads."""

    ITEM = Run
    FILTERS: ClassVar[dict[str, LiteralString]] = {"status": "status = %(status)s"}

    sort: Literal["started_at", "-started_at"] = "-started_at"
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] | None = None


class QualityQuery(ListQuery):
    """Outcomes of quality rules."""

    ITEM = Check
    FILTERS: ClassVar[dict[str, LiteralString]] = {
        "run_id": "run_id = %(run_id)s",
        "rule": "rule = %(rule)s",
        "stage": "stage = %(stage)s",
        "passed": "passed = %(passed)s",
        "latest": "(not %(latest)s or run_id = ("
        "select run_id from metadata.quality_result order by checked_at desc, run_id limit 1))",
    }

    sort: Literal["checked_at", "-checked_at"] = "-checked_at"
    run_id: Value | None = None
    rule: Value | None = None
    stage: Value | None = None
    passed: bool | None = None
    latest: Annotated[bool | None, Field(description="Only the last checked run.")] = None
