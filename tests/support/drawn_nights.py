"""What nights of either engine are drawn from: files, in which order they come, and values at their types' ends."""

import random
from dataclasses import dataclass

from hypothesis import strategies as st

from functions.model.reading import parse_model
from tests.support.csv_files import COLUMNS, LINE, File, Row, write_csv
from tests.support.edited_model import edited
from tests.support.night import Night

# lists may lack what they like: whether one is held is decided before the vault, in PostgreSQL
MODEL = parse_model(edited("quality.snapshot", {"severity": "error", "limit": "20%", "at_least": 1000}))


def drop(night: Night, file: File) -> None:
    """Put a file into the landing zone."""
    night.drop(file.key, write_csv(COLUMNS[file.source].split(","), file.rows))


@dataclass(frozen=True)
class Arrival:
    """What comes in before a night, or the number of a file, of those that are there, that the night takes back."""

    files: tuple[File, ...]
    taken_back: int | None
    is_lost: bool


FEW = st.sampled_from("12345")
NAMES = st.sampled_from(["Ann", "Bea", "é~", ""])
CUSTOMERS = st.builds(
    lambda number, name, city: {"customer_id": f"C{number}", "first_name": name, "city": city}, FEW, NAMES, NAMES
)
PRODUCTS = st.builds(
    lambda number, price: {"product_id": f"P{number}", "price": price}, FEW, st.sampled_from(["1", "1.0", "2", ""])
)
LINES = st.builds(
    lambda order, line, product, customer, amount, status: {
        **LINE,
        "transaction_id": f"T{order}",
        "line_number": line,
        "product_id": f"P{product}",
        "customer_id": customer,
        "total_amount": amount,
        "order_status": status,
    },
    st.sampled_from("12345678"),
    st.sampled_from(["", "", "1", "2"]),
    st.sampled_from("12"),
    st.sampled_from(["C1", "C2", ""]),
    st.sampled_from(["1", "1.00", "2"]),
    st.sampled_from("12"),
)
ROWS = {
    "customers": st.lists(CUSTOMERS, max_size=6),
    "products": st.lists(PRODUCTS, max_size=6),
    "transactions": st.lists(LINES, max_size=16),
}


@st.composite
def files(draw: st.DrawFn) -> File:
    source = draw(st.sampled_from(["customers", "products", "transactions", "transactions", "transactions"]))
    is_snapshot = draw(st.sampled_from([False, False, True]))
    return File(source, draw(st.integers(1, 4)), draw(st.sampled_from("ab")), is_snapshot, tuple(draw(ROWS[source])))


ARRIVALS = st.lists(
    st.builds(
        Arrival,
        st.lists(files(), min_size=1, max_size=4).map(tuple),
        st.sampled_from([None, None, 0, 1]),
        st.booleans(),
    ),
    min_size=3,
    max_size=4,
)


def wild_rows(chance: random.Random) -> dict[str, list[Row]]:
    """Rows whose values lie at the ends of what a column takes, or look like the encoding of a hash."""
    texts = [
        "~",
        "~~",
        "a~",
        "s1:",
        "é",
        "😀",
        " a ",
        'a"b,c',
        "x\ny",
        "a\\nb",
        "\u2028",
        "\x7f",
        "NULL",
        "",
        "\t",
        "'",
    ]
    numbers = [
        "0",
        "-0",
        "0.000",
        "+1.50",
        "1.500",
        "-0.000000000000000001",
        "999999999999999.999999999999999999",
        "1e5",
    ]
    days = ["0001-01-01", "9999-12-31", "1969-12-31", "1582-10-10", "2024-02-29", ""]
    instants = [
        *(
            "1970-01-01",
            "1969-12-31T23:59:58.5Z",
            "0001-01-01 00:00",
            "9999-12-31T23:59:59Z",
            "1900-01-01T00:00:00+02:00",
        ),
        *("2024-03-31T02:30:00.123456+01:00", "1582-10-10T10:00:00Z"),
    ]

    def text() -> str:
        return "".join(chance.choice(texts) for _ in range(chance.randrange(3)))

    customers: list[Row] = [
        {"customer_id": f"C{text()}", "first_name": text(), "last_name": text(), "email": text(), "city": text()}
        | {"signup_date": chance.choice(days), "customer_segment": text()}
        for _ in range(100)
    ]
    products: list[Row] = [
        {"product_id": f"P{text()}", "product_name": text(), "price": chance.choice(numbers), "supplier": text()}
        | {"cost": chance.choice([*numbers, ""])}
        for _ in range(100)
    ]
    lines: list[Row] = [
        {
            "transaction_id": f"T{text()}{chance.randrange(9)}",
            "customer_id": text(),
            "order_status": text(),
            "order_date": chance.choice(instants),
            "product_id": f"P{text()}",
            "payment_method": text(),
            "quantity": str(chance.choice([0, -1, 10**15 - 1])),
            "unit_price": chance.choice(numbers),
            "total_amount": chance.choice(numbers),
            "line_number": chance.choice(["", "", "1", "-7", str(2**53)]),
        }
        for _ in range(300)
    ]
    return {"customers": customers, "products": products, "transactions": lines}
