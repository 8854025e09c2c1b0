"""A table written in any dialect that a source may declare loads the rows that it loads as plain CSV."""

import csv
import gzip
import io
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.common import landing
from functions.load.plan.split import split, staging_items
from functions.load.staging import copy_text
from functions.load.staging.csv_scan import MalformedCsvError
from functions.load.staging.stage import stage
from functions.model.dialect import PLAIN, Dialect
from functions.model.reading import load_model
from tests.support.csv_files import COLUMNS
from tests.support.database_state import empty
from tests.support.warm_night import WarmNight

COLUMN_NAMES = COLUMNS["transactions"].split(",")
DATE_FORMATS = ("YYYY-MM-DD", "DD.MM.YYYY", "MM/DD/YYYY", "DD/MM/YYYY", "YYYYMMDD", "DD-MM-YYYY", "YYYY.MM.DD")
NULLS = ("NULL", r"\N", "n/a", "-")


@dataclass(frozen=True)
class Instant:
    """A day and what follows it in a cell."""

    day: date
    time: str


@dataclass(frozen=True)
class Foreign:
    """A cell that is no value of its column in any dialect."""

    text: str


type Cell = str | int | Decimal | Instant | Foreign | None

TEXTS = st.text(st.sampled_from('aZ0é€ñ ,;|\t^~".\n'), min_size=1, max_size=6)
NUMBERS = st.decimals(-(10**9), 10**9, places=2)
INSTANTS = st.builds(
    Instant,
    st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    st.sampled_from(("", " 09:30", "T10:00:00Z", "T01:02:03+02:00")),
)
FOREIGN = st.builds(Foreign, st.sampled_from(("soon", "1e5", "12,3,4", "1.2.3.4", "31.31.2024", "0x1")))
ROWS = st.fixed_dictionaries(
    {
        "transaction_id": TEXTS,
        "customer_id": st.none() | TEXTS,
        "order_date": INSTANTS | FOREIGN,
        "product_id": TEXTS,
        "quantity": st.integers(-(10**6), 10**6) | FOREIGN,
        "unit_price": NUMBERS | FOREIGN | st.none(),
        "total_amount": NUMBERS,
        "payment_method": st.none() | TEXTS,
        "order_status": st.none() | TEXTS,
        "line_number": st.none() | st.integers(1, 9999),
    }
)
DIALECTS = st.builds(
    Dialect,
    delimiter=st.sampled_from((",", ";", "\t", "|", "^", "~")),
    decimal=st.sampled_from((".", ",")),
    encoding=st.sampled_from(("utf-8", "cp1252", "utf-16")),
    date_format=st.sampled_from(DATE_FORMATS),
    null_values=st.lists(st.sampled_from(NULLS), unique=True, max_size=2).map(tuple),
)


def cell(value: Cell, dialect: Dialect, number: int) -> str:
    """The cell's text; `number` chooses among the ways to write it."""
    if value is None:
        return ("", *dialect.null_values)[number % (1 + len(dialect.null_values))]
    if isinstance(value, Foreign):
        return value.text
    if isinstance(value, Instant):
        day = dialect.date_format.replace("YYYY", f"{value.day.year:04}")
        return day.replace("MM", f"{value.day.month:02}").replace("DD", f"{value.day.day:02}") + value.time
    if isinstance(value, str) or dialect.decimal == ".":
        return str(value)
    group = (".", " ", "\u00a0", "")[number % 4]
    return f"{value:,}".replace(",", "_").replace(".", ",").replace("_", group)


def written(rows: list[dict[str, Cell]], dialect: Dialect) -> bytes:
    """The file."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=dialect.delimiter, lineterminator="\n")
    writer.writerow(COLUMN_NAMES)
    for number, row in enumerate(rows):
        writer.writerow([cell(row[name], dialect, number) for name in COLUMN_NAMES])
    return text.getvalue().encode(dialect.encoding)


@dataclass(frozen=True)
class Reading:
    """How a file is read: in chunks and parts of so many bytes, packed, line by line."""

    chunk_bytes: int = 1 << 20
    split_bytes: int | None = None
    is_packed: bool = False
    is_slow: bool = False


def load(warm: WarmNight, content: bytes, dialect: Dialect, reading: Reading) -> list[Any]:
    """What staging, quarantine and ledger have of the file."""
    empty(warm)
    real = load_model()
    source = real.sources["transactions"].model_copy(update=dialect.model_dump())
    warm.model = real.model_copy(update={"sources": real.sources | {"transactions": source}})
    body = gzip.compress(content) if reading.is_packed else content
    warm.drop(f"transactions/dt=2024-01-01/a.csv{'.gz' if reading.is_packed else ''}", body)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landing, "CHUNK_BYTES", reading.chunk_bytes)
        if reading.is_slow:
            patch.setattr(copy_text, "_copy_whole", _refuse)
        run_id, (object_id,) = warm.plan()
        with warm.connect() as connection:
            if reading.split_bytes is not None:
                split(connection, warm.s3, warm.model, run_id, object_id, reading.split_bytes)
            parts = staging_items(connection, run_id)
        for part in parts:
            with warm.connect() as connection:
                stage(connection, warm.s3, warm.model, run_id, object_id, part["part"])
    warm.check(run_id, "staging")
    warm.load_vault(run_id)
    warm.check(run_id, "vault")  # every row and every cent is accounted for
    names = ", ".join(["row_number", *COLUMN_NAMES])
    return [
        warm.rows(f"select {names} from staging.transactions order by row_number"),
        warm.rows("select row_number, line_number, reasons from metadata.quarantine order by row_number"),
        warm.rows("select row_number, is_overruled from metadata.repeated_row order by row_number"),
        warm.rows("select status, rows_read, rows_quarantined, measures from metadata.object_version"),
    ]


def _refuse(*_: object) -> None:
    raise MalformedCsvError("read line by line")


@settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    rows=st.lists(ROWS, min_size=1, max_size=8),
    dialect=DIALECTS,
    reading=st.builds(Reading, st.integers(1, 400), st.none() | st.integers(1, 300), is_slow=st.booleans()),
    is_packed=st.booleans(),
)
def test_a_table_in_any_dialect_loads_the_rows_of_the_plain_one(
    warm: WarmNight, rows: list[dict[str, Cell]], dialect: Dialect, reading: Reading, is_packed: bool
) -> None:
    reading = replace(reading, split_bytes=None, is_packed=True) if is_packed else reading
    in_dialect = load(warm, written(rows, dialect), dialect, reading)
    assert in_dialect == load(warm, written(rows, PLAIN), PLAIN, Reading())
