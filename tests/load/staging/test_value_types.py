"""Which texts are values of a type, and which value they are: ISO 8601 and plain numbers, nothing PostgreSQL adds."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.support.csv_files import customers, products, transactions
from tests.support.database_state import quarantined
from tests.support.night import Night

DATES: dict[str, date | None] = {
    "2024-01-05": date(2024, 1, 5),
    "2024-02-29": date(2024, 2, 29),
    "0001-01-01": date(1, 1, 1),
    "9999-12-31": date(9999, 12, 31),
    "2023-02-29": None,
    "2024-13-01": None,
    "0000-01-01": None,
    "2024-1-5": None,
    "20240105": None,
    "24-01-05": None,
    "05-01-2024": None,
    "2024/01/05": None,
    "12-3-45-67": None,
    "2024-01-05-": None,
    "-2024-01-05": None,
    "2024-01-05 ": None,
    " 2024-01-05": None,
    "2024-01-05T00:00:00": None,
    "2024-01-05 BC": None,
    "10000-01-01": None,
    "today": None,
    "infinity": None,
    "-infinity": None,
    "epoch": None,
    "Jan 5, 2024": None,
    "----------": None,
    "NULL": None,
    "2024-01-0\u0665": None,  # an Arabic digit
}

TIMESTAMPS: dict[str, datetime | None] = {
    "2024-01-05": datetime(2024, 1, 5, tzinfo=UTC),
    "2024-01-05 10:20": datetime(2024, 1, 5, 10, 20, tzinfo=UTC),
    "2024-01-05T10:20:30": datetime(2024, 1, 5, 10, 20, 30, tzinfo=UTC),
    "2024-01-05T10:20:30Z": datetime(2024, 1, 5, 10, 20, 30, tzinfo=UTC),
    "2024-01-05T10:20:30.123456+02:00": datetime(2024, 1, 5, 8, 20, 30, 123456, tzinfo=UTC),
    "2024-01-05 10:20:30-0530": datetime(2024, 1, 5, 15, 50, 30, tzinfo=UTC),
    "2024-01-05T00:00+14": datetime(2024, 1, 4, 10, tzinfo=UTC),
    "2024-01-05 24:00": datetime(2024, 1, 6, tzinfo=UTC),
    "2016-12-31T23:59:60Z": datetime(2017, 1, 1, tzinfo=UTC),
    "9999-12-31T23:59:59Z": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    "2024-01-05 25:00": None,
    "2024-01-05 10:60": None,
    "2024-01-05T10:20:61": None,
    "2024-1-5 10:20": None,
    "20240105T102030Z": None,
    "2024-01-05T10:20:30 Europe/Rome": None,
    "2024-01-05T10:20:30 PST": None,
    "2024-01-05 10:20 PM": None,
    "2024-02-30T10:20:30": None,
    "2024-01-05 10:20\n": None,
    "10:20 2024-01-05": None,
    "now": None,
    "infinity": None,
    "1704450000": None,
    "2024-W01-5": None,
    "2024-01-05T10:20:30+99:00": None,
    "10000-01-01T00:00:00Z": None,
    # in UTC a year that ISO 8601 and those who read the marts cannot write
    "9999-12-31T23:59:59-12:00": None,
    "9999-12-31 24:00": None,
    "9999-12-31 23:59:59.9999999": None,
    "0001-01-01T00:00:00+12:00": None,
}

INTEGERS: dict[str, int | None] = {
    "5": 5,
    "+5": 5,
    "-5": -5,
    "-0": 0,
    "007": 7,
    "999999999999999": 10**15 - 1,
    "-999999999999999": 1 - 10**15,
    "5.0": None,
    "5.": None,
    "1e3": None,
    " 5": None,
    "5 ": None,
    "1_000": None,
    "1,000": None,
    "0x1f": None,
    "0b1": None,
    "--5": None,
    "5-": None,
    "five": None,
    "\u0665": None,  # an Arabic digit
}

DECIMALS: dict[str, Decimal | None] = {
    "5": Decimal(5),
    "+5": Decimal(5),
    ".5": Decimal("0.5"),
    "5.": Decimal(5),
    "-0.00": Decimal(0),
    "0.1000000000000000000000001": Decimal("0.1000000000000000000000001"),
    "123456789012345.1234567890123456789": Decimal("123456789012345.1234567890123456789"),
    "1e5": None,
    "NaN": None,
    "nan": None,
    "Infinity": None,
    "-inf": None,
    " 5": None,
    "5 ": None,
    "1,5": None,
    "1.000,50": None,
    "1_000": None,
    "0x1f": None,
    "$5": None,
    "5-": None,
    ".": None,
    "-": None,
    "1.2.3": None,
}


def test_only_iso_dates_are_dates(night: Night) -> None:
    rows = [{"customer_id": str(number), "signup_date": text} for number, text in enumerate(DATES)]
    night.drop("customers/dt=2024-01-01/a.csv", customers(*rows))
    night.run()
    shown = night.rows("select customer_id::int, signup_date from business_vault.vw_customer_360")
    assert _read(DATES, shown) == DATES
    assert _refused(night, "signup_date.type") == [text for text, value in DATES.items() if value is None]


def test_only_iso_instants_are_timestamps_and_without_a_zone_they_are_utc(night: Night) -> None:
    rows = [{"transaction_id": str(number), "order_date": text} for number, text in enumerate(TIMESTAMPS)]
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(*rows))
    night.run()
    shown = night.rows("select transaction_id::int, order_date from business_vault.vw_order_analytics")
    assert _read(TIMESTAMPS, shown) == TIMESTAMPS
    assert _refused(night, "order_date.type") == [text for text, value in TIMESTAMPS.items() if value is None]


def test_only_plain_whole_numbers_are_integers(night: Night) -> None:
    rows = [{"transaction_id": str(number), "quantity": text} for number, text in enumerate(INTEGERS)]
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(*rows))
    night.run()
    shown = night.rows("select transaction_id::int, quantity from business_vault.vw_order_analytics")
    assert _read(INTEGERS, shown) == INTEGERS
    assert _refused(night, "quantity.type") == [text for text, value in INTEGERS.items() if value is None]


def test_only_plain_numbers_are_decimals_and_they_keep_every_digit(night: Night) -> None:
    rows = [{"product_id": str(number), "price": text} for number, text in enumerate(DECIMALS)]
    night.drop("products/dt=2024-01-01/a.csv", products(*rows))
    night.run()
    shown = night.rows("select product_id::int, price from business_vault.vw_product_analytics")
    assert _read(DECIMALS, shown) == DECIMALS
    assert _refused(night, "price.type") == [text for text, value in DECIMALS.items() if value is None]


def _read[V](table: dict[str, V], shown: list[tuple[int, V]]) -> dict[str, V | None]:
    """What became of each text of the table, None where its row is not there."""
    values = dict(shown)
    return {text: values.get(number) for number, text in enumerate(table)}


def _refused(night: Night, rule: str) -> list[str]:
    """The texts whose rows are in quarantine for this rule alone, in the order of the file."""
    ((_, rows),) = quarantined(night).items()
    assert {tuple(reasons) for _, reasons in rows} == {(rule,)}
    column = rule.split(".")[0]
    return [row[0] for row in night.rows(f"select raw ->> '{column}' from metadata.quarantine order by row_number")]
