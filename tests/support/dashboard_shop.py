"""A shop for the tests of the dashboard: two nights of CSVs, and figures computed from them by plain Python."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path

import psycopg

from cli.sample import SampleShape, generate
from tests.support import night
from tests.support.platform import SampleFiles

SHAPE = SampleShape(customers=400, products=60, transactions=6_000, seed=11, lines_per_order=3)
MOVED = "C0000001"
"""Whose city the second night corrects."""
OLD_CITY, NEW_CITY = "Oldtown", "Newtown"
SCRIPT = "C9000001"
SCRIPT_NAME = "<script>alert(1)</script>"
RICH, POOR = "C9000002", "C9000003"
"""Who has bought for three million, and for nothing."""
FIRST_NIGHT, SECOND_NIGHT = date(2026, 11, 1), date(2026, 11, 10)
FORTUNE = Decimal("3000000.00")


@dataclass(frozen=True)
class Shop:
    """The files of both nights as one picture of what is in force."""

    sample: SampleFiles

    @cached_property
    def customers(self) -> list[dict[str, str]]:
        """Customers as they are now."""
        rows = {row["customer_id"]: row for row in self.sample.read("customers")}
        rows[MOVED] = rows[MOVED] | {"city": NEW_CITY}
        rows |= {row["customer_id"]: row for row in self.newcomers}
        return list(rows.values())

    @property
    def first_customers(self) -> list[dict[str, str]]:
        """Customers as the first night has them."""
        rows = self.sample.read("customers")
        return [row | {"city": OLD_CITY} if row["customer_id"] == MOVED else row for row in rows]

    @property
    def newcomers(self) -> list[dict[str, str]]:
        """Customers that the second night adds."""
        like = self.sample.read("customers")[5]
        names = {SCRIPT: SCRIPT_NAME, RICH: "Rich", POOR: "Poor"}
        return [
            like | {"customer_id": key, "first_name": name, "last_name": "Newcomer", "email": f"{key}@example.com"}
            for key, name in names.items()
        ]

    @property
    def fortune(self) -> dict[str, str]:
        """The order of three million."""
        line = self.sample.lines[-1]
        amount = {"quantity": "1", "unit_price": str(FORTUNE), "total_amount": str(FORTUNE)}
        return line | amount | {"transaction_id": "T900000001", "customer_id": RICH}

    @cached_property
    def lines(self) -> list[dict[str, str]]:
        """All order lines."""
        return [*self.sample.lines, self.fortune]

    @cached_property
    def segment_of(self) -> dict[str, str]:
        """The segment of each customer."""
        return {row["customer_id"]: row["customer_segment"] for row in self.customers}

    @cached_property
    def state_of(self) -> dict[str, str]:
        """The state of each customer."""
        return {row["customer_id"]: row["state"] for row in self.customers}

    @cached_property
    def category_of(self) -> dict[str, str]:
        """The category of each product."""
        return {row["product_id"]: row["category"] for row in self.sample.read("products")}

    @cached_property
    def nights(self) -> list[list[tuple[str, str]]]:
        """What each night loads: keys below landing/, and contents."""
        moved = next(row for row in self.customers if row["customer_id"] == MOVED)
        bad = self.fortune | {"transaction_id": "T900000002", "quantity": "many"}
        return [
            [
                (f"customers/dt={FIRST_NIGHT}/customers.csv", text_of(self.first_customers)),
                (f"products/dt={FIRST_NIGHT}/products.csv", text_of(self.sample.read("products"))),
                (f"transactions/dt={FIRST_NIGHT}/transactions.csv", text_of(self.sample.lines)),
            ],
            [
                (f"customers/dt={SECOND_NIGHT}/changes.csv", text_of([moved, *self.newcomers])),
                (f"transactions/dt={SECOND_NIGHT}/late.csv", text_of([self.fortune, bad])),
            ],
        ]

    def orders(self, lines: list[dict[str, str]] | None = None) -> int:
        """Orders of these lines."""
        return len({line["transaction_id"] for line in (self.lines if lines is None else lines)})

    def revenue(self, lines: list[dict[str, str]] | None = None) -> Decimal:
        """The sum of these lines."""
        return sum((Decimal(line["total_amount"]) for line in (self.lines if lines is None else lines)), Decimal(0))

    def grouped(self, key: str) -> dict[str, list[dict[str, str]]]:
        """Lines by status, day, state, category, segment or product."""
        names: dict[str, Callable[[dict[str, str]], str]] = {
            "status": lambda line: line["order_status"],
            "day": lambda line: line["order_date"][:10],
            "state": lambda line: self.state_of.get(line["customer_id"], ""),
            "segment": lambda line: self.segment_of.get(line["customer_id"], ""),
            "category": lambda line: self.category_of.get(line["product_id"], ""),
            "product": lambda line: line["product_id"],
        }
        groups: dict[str, list[dict[str, str]]] = defaultdict(list)
        for line in self.lines:
            groups[names[key](line)].append(line)
        return groups

    @cached_property
    def last_day(self) -> date:
        """The day of the last order."""
        return max(date.fromisoformat(line["order_date"][:10]) for line in self.lines)

    def of_days(self, first: date, last: date) -> list[dict[str, str]]:
        """Lines ordered on these days, both included."""
        return [line for line in self.lines if first <= date.fromisoformat(line["order_date"][:10]) <= last]

    def change_in_30_days(self) -> Decimal:
        """Revenue of the last 30 days against the 30 before."""
        last = self.last_day
        now = self.revenue(self.of_days(last - timedelta(29), last))
        return now / self.revenue(self.of_days(last - timedelta(59), last - timedelta(30))) - 1


def text_of(rows: list[dict[str, str]]) -> str:
    """Rows as a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@contextmanager
def loaded(url: str, folder: Path) -> Iterator[Shop]:
    """Generate the shop's files below `folder` and load both nights into the empty database."""
    generate(SHAPE, folder)
    shop = Shop(SampleFiles(folder))
    night.load_nights(url, shop.nights)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("analyze")
    yield shop
