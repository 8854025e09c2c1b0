"""CSV files in the columns of the design, from rows that name only what matters."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

COLUMNS = {
    "customers": "customer_id,first_name,last_name,email,phone,signup_date,country,state,city,customer_segment",
    "products": "product_id,product_name,category,price,cost,supplier",
    "transactions": "transaction_id,customer_id,order_date,product_id,quantity,unit_price,total_amount,payment_method,"
    "order_status,line_number",
}

LINE = {
    "transaction_id": "T1",
    "customer_id": "C1",
    "order_date": "2024-01-01T10:00:00Z",
    "product_id": "P1",
    "quantity": "1",
    "unit_price": "10.00",
    "total_amount": "10.00",
    "payment_method": "card",
    "order_status": "completed",
}
"""An order line; tests change what they are about."""

type Row = Mapping[str, str]


@dataclass(frozen=True)
class File:
    """A file of the landing zone, sometimes a complete list; two of the same rows have the same content."""

    source: str
    day: int
    name: str
    is_snapshot: bool
    rows: tuple[Row, ...]

    @property
    def key(self) -> str:
        """Below landing/; `day` is one of January 2024."""
        return f"{self.source}/{'snapshot/' if self.is_snapshot else ''}dt=2024-01-0{self.day}/{self.name}.csv"


def write_csv(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """CSV text with a header; a column that a row does not name is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def customers(*rows: Row) -> str:
    """A customers file."""
    return write_csv(COLUMNS["customers"].split(","), rows)


def products(*rows: Row) -> str:
    """A products file."""
    return write_csv(COLUMNS["products"].split(","), rows)


def transactions(*rows: Row) -> str:
    """A transactions file: each row is LINE with what it changes."""
    return write_csv(COLUMNS["transactions"].split(","), [{**LINE, **row} for row in rows])


def cut(content: bytes, borders: list[int]) -> Iterator[bytes]:
    """The content in pieces that end at the borders; empty pieces too."""
    start = 0
    for border in sorted(min(border, len(content)) for border in borders):
        yield content[start:border]
        start = border
    yield content[start:]
