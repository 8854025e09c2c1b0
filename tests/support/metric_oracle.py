"""Every figure of the metric layer, computed from the rows that `oracle.marts` computes from the CSV texts.

Shares no code with the product. Amounts are Decimal, ratios rounded as the layer says.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations, pairwise
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.oracle import Marts

type Line = tuple[Any, ...]
type Figures = Any

ZERO = Decimal(0)


@dataclass(frozen=True)
class Filters:
    """What figures are of; an empty text stands for what is not known."""

    since: date | None = None
    until: date | None = None
    segment: tuple[str, ...] | None = None
    state: tuple[str, ...] | None = None
    category: tuple[str, ...] | None = None
    status: tuple[str, ...] | None = None

    def query(self) -> list[tuple[str, str]]:
        """As the API takes them."""
        dates = [(name, str(value)) for name in ("since", "until") if (value := getattr(self, name))]
        many = ("segment", "state", "category", "status")
        return dates + [(name, value) for name in many for value in getattr(self, name) or ()]


def _allowed(values: tuple[str, ...] | None, value: str | None) -> bool:
    return values is None or (value or "") in values


def _rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def _ratio(value: Decimal | int, of: Decimal | int, digits: int = 4) -> Decimal | None:
    return _rounded(Decimal(value) / Decimal(of), digits) if of else None


def _change(value: Decimal | int, before: Decimal | int) -> Decimal | None:
    return _rounded(Decimal(value) / Decimal(before) - 1, 4) if before else None


def _month(day: date, later: int = 0) -> date:
    months = day.year * 12 + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1)


def _later(month: date, cohort: date) -> int:
    return (month.year - cohort.year) * 12 + month.month - cohort.month


def _last_first(item: dict[str, Any], name: str) -> tuple[bool, Any]:
    return item[name] is None, item[name]


class Oracle:
    """The figures of these marts in a time zone, as published on `today`."""

    def __init__(self, marts: Marts, zone: ZoneInfo, today: date) -> None:
        self._customers = {row[0]: row for row in marts.customers}
        self._products = {row[0]: row for row in marts.products}
        self._lines = marts.lines
        self._zone = zone
        self._today = today
        self._first_day = min(map(self._day, self._lines))
        self._last_day = max(day for day in map(self._day, self._lines) if day <= today)

    def _day(self, line: Line) -> date:
        day: date = line[4].astimezone(self._zone).date()
        return day

    def _place(self, line: Line) -> tuple[str | None, str | None, str | None]:
        """Country, state and segment of who ordered."""
        customer = self._customers.get(line[2])
        return (None, None, None) if customer is None else (customer[5], customer[6], customer[8])

    def _of(self, filters: Filters) -> list[Line]:
        return [
            line
            for line in self._lines
            if (filters.since is None or self._day(line) >= filters.since)
            and (filters.until is None or self._day(line) <= filters.until)
            and _allowed(filters.segment, self._place(line)[2])
            and _allowed(filters.state, self._place(line)[1])
            and _allowed(filters.category, self._products[line[3]][2])
            and _allowed(filters.status, line[9])
        ]

    def _known(self, filters: Filters) -> list[Line]:
        rows = self._customers.values()
        return [row for row in rows if _allowed(filters.segment, row[8]) and _allowed(filters.state, row[6])]

    def figures(self, filters: Filters) -> dict[str, Figures]:
        """Panel -> its object or items."""
        return {
            "overview": self.overview(filters),
            "orders-by-status": self.orders_by_status(filters),
            "customers-by-segment": self.customers_by_segment(filters),
            "revenue-by-day": self.revenue_by_day(filters),
            "revenue-by-state": self.revenue_by_state(filters),
            "revenue-by-category": self.revenue_by_category(filters),
            "top-products": self.top_products(filters),
            "rfm": self.rfm(filters),
            "cohort-retention": self.cohort_retention(filters),
            "repeat-purchases": self.repeat_purchases(filters),
            "days-between-orders": self.days_between_orders(filters),
            "customer-lifetime-value": self.customer_lifetime_value(filters),
            "lifetime-value-error": self.lifetime_value_error(filters),
            "product-affinity": self.product_affinity(),
            "orders-by-hour": self.orders_by_hour(filters),
        }

    def overview(self, filters: Filters) -> Figures:
        """One object."""
        lines, known = self._of(filters), self._known(filters)
        end = filters.until or self._last_day
        without_since = Filters(None, *(getattr(filters, name) for name in list(vars(filters))[1:]))
        days = {age: end - timedelta(days=age) for age in (30, 60)}
        recent = [line for line in self._of(without_since) if days[30] < self._day(line) <= end]
        before = [line for line in self._of(without_since) if days[60] < self._day(line) <= days[30]]
        since = [row[9] or (row[13].astimezone(self._zone).date() if row[13] else date.min) for row in known]
        by_end, by_before = (sum(day <= limit for day in since) for limit in (end, days[30]))
        revenue, recently, formerly = (sum((line[7] for line in each), ZERO) for each in (lines, recent, before))
        orders, orders_recent, orders_before = (len({line[0] for line in each}) for each in (lines, recent, before))
        value = recently / orders_recent if orders_recent else None
        value_before = formerly / orders_before if orders_before else None
        dates = [line[4] for line in lines]
        return {
            "customers": len(known),
            "customers_30_days_before": by_before,
            "customers_growth": _change(by_end, by_before),
            "customers_with_orders": sum(row[10] > 0 for row in known),
            "products": sum(_allowed(filters.category, row[2]) for row in self._products.values()),
            "orders": orders,
            "order_lines": len(lines),
            "revenue": revenue,
            "avg_order_value": _ratio(revenue, orders, 2),
            "anonymous_revenue": sum((line[7] for line in lines if line[2] is None), ZERO),
            "first_order_date": min(dates).isoformat() if dates else None,
            "last_order_date": max(dates).isoformat() if dates else None,
            "orders_30_days": orders_recent,
            "orders_30_days_before": orders_before,
            "orders_change": _change(orders_recent, orders_before),
            "revenue_30_days": recently,
            "revenue_30_days_before": formerly,
            "revenue_change": _change(recently, formerly),
            "avg_order_value_30_days": None if value is None else _rounded(value, 2),
            "avg_order_value_30_days_before": None if value_before is None else _rounded(value_before, 2),
            "avg_order_value_change": None if value is None or not value_before else _change(value, value_before),
        }

    @staticmethod
    def _grouped(lines: Iterable[Line], key: Callable[[Line], Any]) -> dict[Any, list[Line]]:
        groups: dict[Any, list[Line]] = defaultdict(list)
        for line in lines:
            groups[key(line)].append(line)
        return groups

    @staticmethod
    def _sums(lines: list[Line]) -> dict[str, Any]:
        return {"orders": len({line[0] for line in lines}), "revenue": sum((line[7] for line in lines), ZERO)}

    def orders_by_status(self, filters: Filters) -> Figures:
        """Most orders first."""
        groups = self._grouped(self._of(filters), lambda line: line[9])
        items = [
            {"order_status": status, "order_lines": len(lines)} | self._sums(lines) for status, lines in groups.items()
        ]
        return sorted(items, key=lambda item: (-item["orders"], *_last_first(item, "order_status")))

    def customers_by_segment(self, filters: Filters) -> Figures:
        """Most customers first."""
        groups = self._grouped(self._known(filters), lambda row: row[8])
        items = [
            {
                "customer_segment": segment,
                "customers": len(rows),
                "orders": sum(row[10] for row in rows),
                "revenue": sum((row[11] for row in rows), ZERO),
            }
            for segment, rows in groups.items()
        ]
        return sorted(items, key=lambda item: (-item["customers"], *_last_first(item, "customer_segment")))

    def revenue_by_day(self, filters: Filters) -> Figures:
        """In the order of days."""
        begin = filters.since and filters.since - timedelta(days=6)
        wider = Filters(begin, *(getattr(filters, name) for name in list(vars(filters))[1:]))
        days = {day: self._sums(lines) for day, lines in self._grouped(self._of(wider), self._day).items()}
        items = []
        for day in sorted(days):
            if filters.since is not None and day < filters.since:
                continue
            week = [day - timedelta(days=age) for age in range(7)]
            mean = _rounded(sum((days[each]["revenue"] for each in week if each in days), ZERO) / 7, 2)
            shown = mean if day >= self._first_day + timedelta(days=6) else None
            items.append({"day": day.isoformat(), "revenue_7_day_mean": shown} | days[day])
        return items

    def revenue_by_state(self, filters: Filters) -> Figures:
        """Most revenue first."""
        groups = self._grouped(self._of(filters), lambda line: self._place(line)[:2])
        items = [{"country": place[0], "state": place[1]} | self._sums(lines) for place, lines in groups.items()]
        return sorted(
            items,
            key=lambda item: (-item["revenue"], *_last_first(item, "country"), *_last_first(item, "state")),
        )

    def revenue_by_category(self, filters: Filters) -> Figures:
        """Most revenue first."""
        sold = self._grouped(self._of(filters), lambda line: self._products[line[3]][2])
        products = self._grouped(self._products.values(), lambda row: row[2])
        items = [
            {
                "category": category,
                "products": len(rows),
                "order_lines": len(sold[category]),
                "quantity": sum(line[5] for line in sold[category]),
                "revenue": sum((line[7] for line in sold[category]), ZERO),
            }
            for category, rows in products.items()
            if _allowed(filters.category, category)
        ]
        return sorted(items, key=lambda item: (-item["revenue"], *_last_first(item, "category")))

    def top_products(self, filters: Filters) -> Figures:
        """The 20 of most revenue."""
        items = [
            {
                "product_id": product,
                "product_name": self._products[product][1],
                "category": self._products[product][2],
                "order_lines": len(lines),
                "quantity": sum(line[5] for line in lines),
                "revenue": sum((line[7] for line in lines), ZERO),
            }
            for product, lines in self._grouped(self._of(filters), lambda line: line[3]).items()
        ]
        return sorted(items, key=lambda item: (-item["revenue"], item["product_id"]))[:20]

    def rfm(self, filters: Filters) -> Figures:
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
            for scores, rows in self._grouped(self._known(filters), lambda row: row[24:28]).items()
        ]

    def _months(self, filters: Filters) -> dict[str, dict[date, Decimal]]:
        """Customer -> revenue of each month in which they ordered."""
        months: dict[str, dict[date, Decimal]] = {}
        known = {row[0] for row in self._known(filters)}
        for line in self._lines:
            if line[2] in known:
                of_customer = months.setdefault(line[2], {})
                month = _month(self._day(line))
                of_customer[month] = of_customer.get(month, ZERO) + line[7]
        return months

    def cohort_retention(self, filters: Filters) -> Figures:
        """By cohort, then age."""
        counted: dict[tuple[date, int], int] = defaultdict(int)
        for months in self._months(filters).values():
            cohort = min(months)
            for month in months:
                counted[cohort, _later(month, cohort)] += 1
        return [
            {
                "cohort": f"{cohort:%Y-%m}",
                "months_later": age,
                "customers": customers,
                "share": _ratio(customers, counted[cohort, 0]),
            }
            for (cohort, age), customers in sorted(counted.items())
        ]

    def repeat_purchases(self, filters: Filters) -> Figures:
        """One object."""
        buyers = [row for row in self._known(filters) if row[10]]
        again = [row for row in buyers if row[10] > 1]
        seconds = sum((Decimal(str((row[14] - row[13]).total_seconds())) for row in again), ZERO)
        return {
            "customers_with_orders": len(buyers),
            "repeat_customers": len(again),
            "repeat_rate": _ratio(len(again), len(buyers)),
            "days_between_orders": _ratio(seconds / 86400, sum(row[10] - 1 for row in again), 2),
            "gaps": sum(row[10] - 1 for row in again),
        }

    def days_between_orders(self, filters: Filters) -> Figures:
        """By days."""
        again = [row for row in self._known(filters) if row[10] > 1]
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

    def _cells(self, filters: Filters) -> list[tuple[date, int, date, int, Decimal]]:
        """Cohort, age, month, customers and revenue of every whole month that a cohort has lived."""
        ended = _month(self._last_day + timedelta(days=1))
        customers: dict[date, int] = defaultdict(int)
        revenue: dict[tuple[date, date], Decimal] = defaultdict(Decimal)
        for months in self._months(filters).values():
            cohort = min(months)
            customers[cohort] += 1
            for month, amount in months.items():
                revenue[cohort, month] += amount
        return [
            (cohort, age, _month(cohort, age), count, revenue[cohort, _month(cohort, age)])
            for cohort, count in customers.items()
            for age in range(max(_later(ended, cohort), 0))
        ]

    def customer_lifetime_value(self, filters: Filters) -> Figures:
        """By age; of twelve months."""
        items, value = [], ZERO
        for age in range(12):
            cells = [cell for cell in self._cells(filters) if cell[1] == age]
            if cells:
                customers = sum(cell[3] for cell in cells)
                mean = sum((cell[4] for cell in cells), ZERO) / customers
                value += mean
                items.append(
                    {
                        "months_later": age,
                        "customers": customers,
                        "revenue_per_customer": _rounded(mean, 2),
                        "lifetime_value": _rounded(value, 2),
                    }
                )
        return items

    def lifetime_value_error(self, filters: Filters) -> Figures:
        """By month; of the last three months."""
        cells = self._cells(filters)
        if not cells:
            return []
        cut = _month(max(cell[2] for cell in cells), -3)
        learnt: dict[int, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for _, age, month, customers, revenue in cells:
            if month <= cut:
                learnt[age][0] += revenue
                learnt[age][1] += customers
        held_back = self._grouped((cell for cell in cells if cell[0] <= cut < cell[2]), lambda cell: cell[2])
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
                    "predicted": _rounded(predicted, 2),
                    "actual": actual,
                    "error": _change(predicted, actual),
                }
            )
        return items

    def product_affinity(self) -> Figures:
        """The 50 pairs of most customers."""
        sold = [row for row in self._products.values() if row[6]]
        frequent = {row[0] for row in sorted(sold, key=lambda row: (-row[6], row[0]))[:100]}
        baskets = self._grouped((line for line in self._lines if line[2] and line[3] in frequent), lambda line: line[2])
        buyers: dict[str, int] = defaultdict(int)
        pairs: dict[tuple[str, str], int] = defaultdict(int)
        for lines in baskets.values():
            basket = sorted({line[3] for line in lines})
            for product in basket:
                buyers[product] += 1
            for pair in combinations(basket, 2):
                pairs[pair] += 1
        everybody = sum(row[10] > 0 for row in self._customers.values())
        items = [
            {
                "product_id": one,
                "product_name": self._products[one][1],
                "other_product_id": other,
                "other_product_name": self._products[other][1],
                "customers": count,
                "support": _ratio(count, everybody, 6),
                "confidence": _ratio(count, buyers[one]),
                "lift": _ratio(count * everybody, buyers[one] * buyers[other]),
                "buyers": buyers[one],
                "customers_with_orders": everybody,
                "expected": _ratio(buyers[one] * buyers[other], everybody),
            }
            for (one, other), count in pairs.items()
        ]
        items.sort(key=lambda item: (item["product_id"], item["other_product_id"]))
        return sorted(items, key=lambda item: (-item["customers"], -(item["lift"] or ZERO)))[:50]

    def orders_by_hour(self, filters: Filters) -> Figures:
        """By weekday and hour."""

        def when(line: Line) -> tuple[int, int]:
            local = line[4].astimezone(self._zone)
            return local.isoweekday(), local.hour

        groups = self._grouped(self._of(filters), when)
        return [{"weekday": day, "hour": hour} | self._sums(groups[day, hour]) for day, hour in sorted(groups)]
