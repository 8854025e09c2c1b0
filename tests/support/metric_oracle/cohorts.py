"""What customers do month by month since their first order."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

from tests.support.metric_oracle.shop import (
    ZERO,
    Figures,
    Filters,
    Shop,
    age_in_months,
    change,
    first_of_month,
    grouped,
    ratio,
    rounded,
)


def months_of(shop: Shop, filters: Filters) -> dict[str, dict[date, Decimal]]:
    """Customer -> revenue of each month in which they ordered."""
    months: dict[str, dict[date, Decimal]] = {}
    known = {row[0] for row in shop.known(filters)}
    for line in shop.all_lines:
        if line[2] in known:
            of_customer = months.setdefault(line[2], {})
            month = first_of_month(shop.day(line))
            of_customer[month] = of_customer.get(month, ZERO) + line[7]
    return months


def cohort_retention(shop: Shop, filters: Filters) -> Figures:
    """By cohort, then age."""
    counted: dict[tuple[date, int], int] = defaultdict(int)
    for months in months_of(shop, filters).values():
        cohort = min(months)
        for month in months:
            counted[cohort, age_in_months(month, cohort)] += 1
    return [
        {
            "cohort": f"{cohort:%Y-%m}",
            "months_later": age,
            "customers": customers,
            "share": ratio(customers, counted[cohort, 0]),
            "cohort_customers": counted[cohort, 0],
        }
        for (cohort, age), customers in sorted(counted.items())
    ]


def cells_of(shop: Shop, filters: Filters) -> list[tuple[date, int, date, int, Decimal]]:
    """Cohort, age, month, customers and revenue of every whole month that a cohort has lived."""
    ended = first_of_month(shop.last_day + timedelta(days=1))
    customers: dict[date, int] = defaultdict(int)
    revenue: dict[tuple[date, date], Decimal] = defaultdict(Decimal)
    for months in months_of(shop, filters).values():
        cohort = min(months)
        customers[cohort] += 1
        for month, amount in months.items():
            revenue[cohort, month] += amount
    return [
        (cohort, age, first_of_month(cohort, age), count, revenue[cohort, first_of_month(cohort, age)])
        for cohort, count in customers.items()
        for age in range(max(age_in_months(ended, cohort), 0))
    ]


def customer_lifetime_value(shop: Shop, filters: Filters) -> Figures:
    """By age; of twelve months."""
    items, value = [], ZERO
    for age in range(12):
        cells = [cell for cell in cells_of(shop, filters) if cell[1] == age]
        if cells:
            customers = sum(cell[3] for cell in cells)
            mean = sum((cell[4] for cell in cells), ZERO) / customers
            value += mean
            items.append(
                {
                    "months_later": age,
                    "customers": customers,
                    "revenue_per_customer": rounded(mean, 2),
                    "lifetime_value": rounded(value, 2),
                }
            )
    return items


def lifetime_value_error(shop: Shop, filters: Filters) -> Figures:
    """By month; of the last three months."""
    cells = cells_of(shop, filters)
    if not cells:
        return []
    cut = first_of_month(max(cell[2] for cell in cells), -3)
    learnt: dict[int, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for _, age, month, customers, revenue in cells:
        if month <= cut:
            learnt[age][0] += revenue
            learnt[age][1] += customers
    held_back = grouped((cell for cell in cells if cell[0] <= cut < cell[2]), lambda cell: cell[2])
    items = []
    for month in sorted(held_back):
        group = held_back[month]
        predicted = sum(
            (cell[3] * learnt[cell[1]][0] / learnt[cell[1]][1] for cell in group if cell[1] in learnt), ZERO
        )
        actual = sum((cell[4] for cell in group), ZERO)
        items.append(
            {
                "month": f"{month:%Y-%m}",
                "predicted": rounded(predicted, 2),
                "actual": actual,
                "error": change(predicted, actual),
            }
        )
    return items
