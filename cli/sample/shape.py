"""What sample to make: sizes, seed and the calendar window of the orders."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, timedelta

from cli.errors import UsageError

DEFAULT_END = date(2026, 10, 31)
DEFAULT_DAYS = 365
SIGNUP_WINDOWS = 2
"""Customers have been signing up since this many order windows before the first order."""
_MOST_ROWS = 1_000_000_000
_MOST_DAYS = 3_660


@dataclass(frozen=True)
class SampleShape:
    """The complete input of a sample: equal shapes give equal bytes, on every run and machine."""

    customers: int = 10_000
    products: int = 5_000
    transactions: int = 100_000
    seed: int = 42
    start: date = DEFAULT_END - timedelta(days=DEFAULT_DAYS - 1)
    end: date = DEFAULT_END
    lines_per_order: int = 1
    gzip: bool = False

    def __post_init__(self) -> None:
        for name, least in (("customers", 1), ("products", 1), ("transactions", 0), ("lines_per_order", 1)):
            value = getattr(self, name)
            if not least <= value <= _MOST_ROWS:
                raise UsageError(f"--{name.replace('_', '-')} {value}: give a number from {least} to {_MOST_ROWS:,}")
        if self.lines_per_order > min(self.products, 100):
            raise UsageError(
                f"--lines-per-order {self.lines_per_order}: at most 100, and no more than there are products "
                f"({self.products}), since the lines of an order name different products"
            )
        if not 1 <= self.days <= _MOST_DAYS:
            raise UsageError(f"the window {self.start} to {self.end} is {self.days} days: give 1 to {_MOST_DAYS}")
        if self.start.toordinal() <= SIGNUP_WINDOWS * self.days:
            raise UsageError(f"--start {self.start} leaves no room for sign-ups before it")

    @property
    def days(self) -> int:
        """Length of the order window, both ends included."""
        return (self.end - self.start).days + 1

    @property
    def first_signup(self) -> date:
        return self.start - timedelta(days=SIGNUP_WINDOWS * self.days)

    def as_json(self) -> dict[str, object]:
        """The shape in JSON types, as the manifest keeps it."""
        return asdict(self) | {"start": self.start.isoformat(), "end": self.end.isoformat()}


def window(start: date | None, end: date | None, days: int | None) -> tuple[date, date]:
    """The order window from any two of start, end and days; the fixed default fills what is missing.

    Raises UsageError when all three are given and disagree, or when the window is empty.
    """
    if start and end and days and (end - start).days + 1 != days:
        raise UsageError(f"--start {start} and --end {end} are {(end - start).days + 1} days, not {days}")
    try:
        if start and not end:
            end = start + timedelta(days=(days or DEFAULT_DAYS) - 1)
        end = end or DEFAULT_END
        start = start or end - timedelta(days=(days or DEFAULT_DAYS) - 1)
    except OverflowError:
        raise UsageError("the window reaches outside the calendar: give a smaller --days") from None
    if end < start:
        raise UsageError(f"the window {start} to {end} is empty: --end is before --start")
    return start, end
