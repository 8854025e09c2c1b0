"""The shapes of the metrics: one object, or a series of points in the order in which a chart draws them."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from functions.api.answers import Answer, Money


class Overview(Answer):
    """The figures of the whole."""

    customers: int
    customers_with_orders: int
    products: int
    orders: int
    order_lines: int
    revenue: Annotated[Money, Field(description="Sum of all order lines, whatever their status.")]
    avg_order_value: Money | None
    anonymous_revenue: Annotated[Money, Field(description="The part of `revenue` that belongs to no customer.")]
    first_order_date: datetime | None
    last_order_date: datetime | None


class StatusPoint(Answer):
    """The orders of a status."""

    order_status: str | None
    orders: int
    order_lines: int
    revenue: Money


class SegmentPoint(Answer):
    """The customers of a segment."""

    customer_segment: str | None
    customers: int
    orders: int
    revenue: Money


class DayPoint(Answer):
    """The orders of a day in UTC; a day without orders has no point."""

    day: date
    orders: int
    revenue: Money


class StatePoint(Answer):
    """The orders of the customers who are in a state now; anonymous sales are in none."""

    country: str | None
    state: str | None
    orders: int
    revenue: Money


class CategoryPoint(Answer):
    """The sales of a category's products."""

    category: str | None
    products: int
    order_lines: int
    quantity: int
    revenue: Money


class CohortPoint(Answer):
    """Of the customers who ordered first in the month `cohort`, those who ordered `months_later`."""

    cohort: Annotated[str, Field(examples=["2026-03"])]
    months_later: int
    customers: int
    share: Annotated[float, Field(description="Of the cohort, 0 to 1.")]


class RfmPoint(Answer):
    """The customers with these scores, 1 to 5, for recency, frequency and monetary value."""

    rfm_label: str | None
    rfm_recency: int | None
    rfm_frequency: int | None
    rfm_monetary: int | None
    customers: int
    revenue: Money


class Series[Point: Answer](Answer):
    """The points of a chart."""

    items: list[Point]
