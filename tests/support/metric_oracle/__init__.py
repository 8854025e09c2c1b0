"""Every figure of the metric layer, computed from the rows that `oracle.marts` computes from the CSV texts.

Shares no code with the product. Amounts are Decimal, ratios rounded as the layer says. A module for each subject.
"""

from datetime import date
from zoneinfo import ZoneInfo

from tests.support.metric_oracle import affinity, cohorts, customers, sales
from tests.support.metric_oracle.shop import Figures, Filters, Shop
from tests.support.oracle import Marts

__all__ = ["Filters", "Oracle"]


class Oracle:
    """The figures of these marts in a time zone, as published on `today`."""

    def __init__(self, marts: Marts, zone: ZoneInfo, today: date) -> None:
        self._shop = Shop(marts, zone, today)

    def figures(self, filters: Filters) -> dict[str, Figures]:
        """Panel -> its object or items."""
        shop = self._shop
        return {
            "overview": sales.overview(shop, filters),
            "orders-by-status": sales.orders_by_status(shop, filters),
            "customers-by-segment": customers.customers_by_segment(shop, filters),
            "revenue-by-day": sales.revenue_by_day(shop, filters),
            "revenue-by-state": sales.revenue_by_state(shop, filters),
            "revenue-by-category": sales.revenue_by_category(shop, filters),
            "top-products": sales.top_products(shop, filters),
            "rfm": customers.rfm(shop, filters),
            "cohort-retention": cohorts.cohort_retention(shop, filters),
            "repeat-purchases": customers.repeat_purchases(shop, filters),
            "days-between-orders": customers.days_between_orders(shop, filters),
            "customer-lifetime-value": cohorts.customer_lifetime_value(shop, filters),
            "lifetime-value-error": cohorts.lifetime_value_error(shop, filters),
            "product-affinity": affinity.product_affinity(shop),
            "orders-by-hour": sales.orders_by_hour(shop, filters),
        }
