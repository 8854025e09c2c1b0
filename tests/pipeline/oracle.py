"""What the marts must hold, computed from the CSV texts by plain Python. Shares no code with the product."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

type Rows = list[tuple[Any, ...]]


@dataclass
class Marts:
    """The rows of the three views, each in the order of its columns, sorted."""

    customers: Rows = field(default_factory=list)
    products: Rows = field(default_factory=list)
    lines: Rows = field(default_factory=list)


def marts(files: Iterable[tuple[str, str]]) -> Marts:
    """The marts after all these files: pairs of key below landing/ (with a dt) and content, versions of a key in order.

    What counts is the row that is last by dt, then key, then version, then line. Every row must be valid.
    """
    rows: dict[str, list[dict[str, str]]] = {"customers": [], "products": [], "transactions": []}
    # sorted is stable: versions of one key stay in order
    for key, content in sorted(files, key=lambda file: (_day(file[0]), f"landing/{file[0]}")):
        rows[key.split("/")[0]] += csv.DictReader(io.StringIO(content, newline=""))

    described_customers = {row["customer_id"]: row for row in rows["customers"]}
    described_products = {row["product_id"]: row for row in rows["products"]}
    orders = {row["transaction_id"]: row for row in rows["transactions"]}
    lines = {
        (row["transaction_id"], int(row.get("line_number") or 1), row["product_id"]): row
        for row in rows["transactions"]
    }
    named_customers = {row["customer_id"] for row in rows["transactions"] if row["customer_id"]}
    named_products = {row["product_id"] for row in rows["transactions"]}

    result = Marts()
    for (order_id, number, product_id), line in lines.items():
        order = orders[order_id]
        result.lines.append(
            (
                *(order_id, number, order["customer_id"] or None, product_id, instant(order["order_date"])),
                *(int(line["quantity"]), Decimal(line["unit_price"]), Decimal(line["total_amount"])),
                *(order["payment_method"] or None, order["order_status"] or None),
            )
        )
    for customer_id in described_customers.keys() | named_customers:
        details = described_customers.get(customer_id, {})
        bought = [line for line in result.lines if line[2] == customer_id]
        count = len({line[0] for line in bought})
        value = sum((line[7] for line in bought), Decimal(0))
        names = ("first_name", "last_name", "email", "phone", "country", "state", "city", "customer_segment")
        result.customers.append(
            (
                *(customer_id, *(details.get(name) or None for name in names)),
                *(_date(details.get("signup_date")), count, value, _ratio(value, count) if count else None),
                *(min((line[4] for line in bought), default=None), max((line[4] for line in bought), default=None)),
            )
        )
    for product_id in described_products.keys() | named_products:
        details = described_products.get(product_id, {})
        sold = [line for line in result.lines if line[3] == product_id]
        quantity = sum(line[5] for line in sold)
        revenue = sum((line[7] for line in sold), Decimal(0))
        result.products.append(
            (
                *(product_id, details.get("product_name") or None, details.get("category") or None),
                *(_decimal(details.get("price")), _decimal(details.get("cost")), details.get("supplier") or None),
                *(len(sold), quantity, revenue, _ratio(revenue, quantity) if quantity else None),
            )
        )
    for each in (result.customers, result.products, result.lines):
        each.sort(key=lambda row: tuple(row[:2] if each is not result.lines else (row[0], row[1], row[3])))
    return result


def instant(text: str) -> datetime:
    """An ISO 8601 instant; without a zone it is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _day(key: str) -> str:
    return key.split("dt=")[1][:10]


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text else None


def _ratio(amount: Decimal, count: int) -> Decimal:
    return (amount / count).quantize(Decimal("0.01"), ROUND_HALF_UP)
