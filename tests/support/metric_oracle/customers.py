"""Who the customers are, and how often they order."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from tests.support.metric_oracle.shop import ZERO, Figures, Filters, Shop, grouped, last_first, ratio


def customers_by_segment(shop: Shop, filters: Filters) -> Figures:
    """Most customers first."""
    groups = grouped(shop.known(filters), lambda row: row[8])
    items = [
        {
            "customer_segment": segment,
            "customers": len(rows),
            "orders": sum(row[10] for row in rows),
            "revenue": sum((row[11] for row in rows), ZERO),
        }
        for segment, rows in groups.items()
    ]
    return sorted(items, key=lambda item: (-item["customers"], *last_first(item, "customer_segment")))


def rfm(shop: Shop, filters: Filters) -> Figures:
    """In no order."""
    return [
        {
            "rfm_label": scores[3],
            "rfm_recency": scores[0],
            "rfm_frequency": scores[1],
            "rfm_monetary": scores[2],
            "customers": len(rows),
            "revenue": sum((row[11] for row in rows), ZERO),
        }
        for scores, rows in grouped(shop.known(filters), lambda row: row[24:28]).items()
    ]


def repeat_purchases(shop: Shop, filters: Filters) -> Figures:
    """One object."""
    buyers = [row for row in shop.known(filters) if row[10]]
    again = [row for row in buyers if row[10] > 1]
    seconds = sum((Decimal(str((row[14] - row[13]).total_seconds())) for row in again), ZERO)
    return {
        "customers_with_orders": len(buyers),
        "repeat_customers": len(again),
        "repeat_rate": ratio(len(again), len(buyers)),
        "days_between_orders": ratio(seconds / 86400, sum(row[10] - 1 for row in again), 2),
        "gaps": sum(row[10] - 1 for row in again),
    }


def days_between_orders(shop: Shop, filters: Filters) -> Figures:
    """By days."""
    again = [row for row in shop.known(filters) if row[10] > 1]
    means = [(row[14] - row[13]) / (row[10] - 1) for row in again]
    edges = (0, 8, 31, 91, 181, 366, None)
    return [
        {
            "from_days": start,
            "to_days": end,
            "customers": sum(
                timedelta(days=start or 0) <= mean and (end is None or mean < timedelta(days=end)) for mean in means
            ),
        }
        for start, end in pairwise(edges)
    ]
