"""The rows of a load as figures see them: by day of a time zone, under filters, in groups."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
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


def allowed(values: tuple[str, ...] | None, value: str | None) -> bool:
    """Whether a filter lets the value through."""
    return values is None or (value or "") in values


def rounded(value: Decimal, digits: int) -> Decimal:
    """Half up."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def ratio(value: Decimal | int, of: Decimal | int, digits: int = 4) -> Decimal | None:
    """Rounded; None of nothing."""
    return rounded(Decimal(value) / Decimal(of), digits) if of else None


def change(value: Decimal | int, before: Decimal | int) -> Decimal | None:
    """Against what was before; None against nothing."""
    return rounded(Decimal(value) / Decimal(before) - 1, 4) if before else None


def first_of_month(day: date, later: int = 0) -> date:
    """Of so many months after the day's."""
    months = day.year * 12 + day.month - 1 + later
    return date(months // 12, months % 12 + 1, 1)


def age_in_months(month: date, cohort: date) -> int:
    """Months from the cohort's to this one."""
    return (month.year - cohort.year) * 12 + month.month - cohort.month


def last_first(item: dict[str, Any], name: str) -> tuple[bool, Any]:
    """Sorts None last."""
    return item[name] is None, item[name]


def grouped(lines: Iterable[Line], key: Callable[[Line], Any]) -> dict[Any, list[Line]]:
    """The lines by their key."""
    groups: dict[Any, list[Line]] = defaultdict(list)
    for line in lines:
        groups[key(line)].append(line)
    return groups


def sums(lines: list[Line]) -> dict[str, Any]:
    """Orders and revenue of lines."""
    return {"orders": len({line[0] for line in lines}), "revenue": sum((line[7] for line in lines), ZERO)}


class Shop:
    """These marts in a time zone, as published on `today`."""

    def __init__(self, marts: Marts, zone: ZoneInfo, today: date) -> None:
        self.customers = {row[0]: row for row in marts.customers}
        self.products = {row[0]: row for row in marts.products}
        self.all_lines = marts.lines
        self.zone = zone
        self.first_day = min(map(self.day, self.all_lines))
        self.last_day = max(day for day in map(self.day, self.all_lines) if day <= today)

    def day(self, line: Line) -> date:
        """The line's day."""
        day: date = line[4].astimezone(self.zone).date()
        return day

    def place(self, line: Line) -> tuple[str | None, str | None, str | None]:
        """Country, state and segment of who ordered."""
        customer = self.customers.get(line[2])
        return (None, None, None) if customer is None else (customer[5], customer[6], customer[8])

    def lines(self, filters: Filters) -> list[Line]:
        """The order lines under the filters."""
        return [
            line
            for line in self.all_lines
            if (filters.since is None or self.day(line) >= filters.since)
            and (filters.until is None or self.day(line) <= filters.until)
            and allowed(filters.segment, self.place(line)[2])
            and allowed(filters.state, self.place(line)[1])
            and allowed(filters.category, self.products[line[3]][2])
            and allowed(filters.status, line[9])
        ]

    def known(self, filters: Filters) -> list[Line]:
        """The customers under the filters."""
        rows = self.customers.values()
        return [row for row in rows if allowed(filters.segment, row[8]) and allowed(filters.state, row[6])]
