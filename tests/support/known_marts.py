"""Known contents for the marts: few customers with odd ids and amounts that binary floats get wrong."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import LiteralString

import psycopg

ODD_IDS = (
    "with space",
    "slash/inside",
    "ends/orders",
    "percent%2Fsign",
    "question?mark#hash",
    "plus+and&amp;",
    "ümläut-客户-🛒",
    "quote'\"; drop table x --",
    "back\\slash",
    "anna@example.com",
    "..hidden",
    "%s%(key)s{brace}",
    "customers",
)
SILENT = "C-without-orders"
MANY_ORDERS = "C0001"
LARGE = Decimal("90071992547409.93")
"""More cents than a binary float holds exactly when it is added up."""


@dataclass(frozen=True)
class Line:
    """A row of `mart_order_line`."""

    transaction_id: str
    line_number: int
    customer_id: str | None
    product_id: str
    order_date: datetime
    quantity: int
    unit_price: Decimal
    total_amount: Decimal


def order_lines() -> list[Line]:
    """257 lines: several a minute, several per order, some anonymous, some returns."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    lines = []
    for number in range(250):
        customer = (MANY_ORDERS, "C0002", None, ODD_IDS[number % len(ODD_IDS)])[number % 4]
        price = Decimal(number * 7 + 1) / 100
        quantity = -1 if number % 50 == 49 else number % 3 + 1
        lines.append(
            Line(
                f"T{number // 2:04}",
                number % 2 + 1,
                customer,
                f"P{number % 20:03}",
                began + timedelta(minutes=number // 6),
                quantity,
                price,
                price * quantity,
            )
        )
    cents = (Decimal("0.10"), Decimal("0.20"), Decimal("0.30"), Decimal("1.005"), LARGE, Decimal(3), Decimal(0))
    lines.extend(
        Line(f"U{number}", 1, "C0003", "P000", began, 1, amount, amount) for number, amount in enumerate(cents)
    )
    return lines


def customer_ids() -> list[str]:
    """All customers, unordered."""
    return [SILENT, *(f"C{number:04}" for number in range(1, 131)), *ODD_IDS]


_CUSTOMERS: LiteralString = """
insert into business_vault.mart_customer_360 (
    customer_id, first_name, email, country, customer_segment, signup_date,
    total_orders, lifetime_value, avg_order_value, first_order_date, last_order_date
)
select
    customer_id, 'Anna', 'anna@example.com', 'DE', 'Gold', date '2025-05-06',
    count(distinct transaction_id), coalesce(sum(total_amount), 0),
    round(sum(total_amount) / nullif(count(distinct transaction_id), 0), 2), min(order_date), max(order_date)
from unnest(%s::text[]) as customer_id
left join business_vault.mart_order_line using (customer_id)
group by customer_id
"""
_PRODUCTS: LiteralString = """
insert into business_vault.mart_product_analytics (
    product_id, product_name, category, price, cost, supplier, total_sold, total_quantity, revenue, avg_price
)
select
    product_id, null, 'Books', 12.5, 7, 'Acme', count(*), sum(quantity), sum(total_amount), round(avg(unit_price), 2)
from business_vault.mart_order_line
group by product_id
"""
_LINES: LiteralString = """
insert into business_vault.mart_order_line (
    transaction_id, line_number, customer_id, product_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status
)
values (%s, %s, %s, %s, %s, %s, %s, %s, 'card', 'Completed')
"""


def fill(connection: psycopg.Connection) -> None:
    """Write the known contents; the caller commits."""
    with connection.cursor() as cursor:
        cursor.executemany(_LINES, [tuple(vars(line).values()) for line in order_lines()])
        cursor.execute(_CUSTOMERS, [customer_ids()])
        cursor.execute(_PRODUCTS)
