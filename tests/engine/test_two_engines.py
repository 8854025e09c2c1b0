"""The same files give row for row the same vault in PostgreSQL and in Iceberg tables, in whatever order they arrive.

Rows repeat, change there and back, stay unchanged and arrive late; orders have line numbers or none; some files are
complete lists; files are replaced under their key, and taken back; Spark's work is lost before it is recorded.
"""

import json
import random
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from functions.model.reading import parse_model
from tests.support.csv_files import COLUMNS, LINE, File, Row, write_csv
from tests.support.database_state import empty
from tests.support.edited_model import edited
from tests.support.lakehouse import SparkNight, contents_in_postgresql
from tests.support.warm_night import WarmNight

# lists may lack what they like: whether one is held is decided before the vault, in PostgreSQL
MODEL = parse_model(edited("quality.snapshot", {"severity": "error", "limit": "20%", "at_least": 1000}))

EXAMPLES = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a night takes seconds, so an example is not made smaller
    suppress_health_check=list(HealthCheck),
)


def drop(night: WarmNight, file: File) -> None:
    night.drop(file.key, write_csv(COLUMNS[file.source].split(","), file.rows))


def run_both(warm: WarmNight, spark_night: SparkNight, run_id: str, retract: tuple[str, ...] = ()) -> None:
    for night in (warm, spark_night):
        night.model = MODEL
        night.run(run_id, retract=retract)


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


@pytest.mark.timeout(900)
@EXAMPLES
@given(arrivals=ARRIVALS)
def test_the_same_files_give_the_same_vault(warm: WarmNight, spark_night: SparkNight, arrivals: list[Arrival]) -> None:
    empty(warm)
    empty(spark_night)
    there: list[str] = []
    for number, arrival in enumerate(arrivals):
        for file in arrival.files:
            drop(warm, file)
        retract: tuple[str, ...] = ()
        if arrival.taken_back is not None and there:
            retract = (there.pop(arrival.taken_back % len(there)),)
        there += [key for key in (f"landing/{file.key}" for file in arrival.files) if key not in there]
        spark_night.lost = int(arrival.is_lost)
        run_both(warm, spark_night, f"night-{number}", retract)
        assert spark_night.contents() == contents_in_postgresql(warm), f"after night {number} of {arrivals}"


def _wild_rows(chance: random.Random) -> dict[str, list[Row]]:
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


@pytest.mark.timeout(600)
def test_any_value_has_the_same_hashes_and_is_kept_the_same(warm: WarmNight, spark_night: SparkNight) -> None:
    for source, rows in _wild_rows(random.Random(7)).items():
        drop(warm, File(source, 1, "wild", False, tuple(rows)))
    run_both(warm, spark_night, "wild")
    found = contents_in_postgresql(warm)
    assert spark_night.contents() == found
    assert min(len(found[each]) for each in ("sat_customer_details", "sat_product_details", "sat_order_line")) > 30


@pytest.mark.timeout(600)
def test_digits_that_a_table_has_no_room_for_are_hashed_and_rounded(warm: WarmNight, spark_night: SparkNight) -> None:
    prices = [f"1.{'0' * 18}4", f"1.{'0' * 18}5", f"-0.{'9' * 30}", f"1.{'0' * 18}50000", "2"]
    lines = [{**LINE, "transaction_id": f"T{n}", "total_amount": price} for n, price in enumerate(prices)]
    drop(warm, File("transactions", 1, "fine", False, tuple(lines)))
    run_both(warm, spark_night, "first")
    drop(warm, File("transactions", 2, "fine", False, (*lines[:3], {**lines[3], "total_amount": "1.0"}, lines[4])))
    run_both(warm, spark_night, "second")
    found, expected = spark_night.contents(), contents_in_postgresql(warm)
    exact = found.pop("sat_order_line"), expected.pop("sat_order_line")
    assert found == expected
    assert len(exact[0]) == len(exact[1]) == 6  # one of the five has changed, by a digit that is rounded away
    for in_spark, in_postgresql in zip(*(map(json.loads, sorted(rows)) for rows in exact), strict=True):
        amount = Decimal(in_postgresql["total_amount"]).quantize(Decimal(1).scaleb(-18), ROUND_HALF_UP)
        assert in_spark == in_postgresql | {"total_amount": f"{amount.normalize():f}"}
