"""The floor: COPY of the same bytes into plain tables with typed columns, and nothing else."""

import psycopg

from benchmarks.load.files import SOURCES, Files
from benchmarks.load.result import Clock, Result

_TABLES = """create schema raw;
create table raw.customers (
    customer_id text, first_name text, last_name text, email text, phone text, signup_date date, country text,
    state text, city text, customer_segment text
);
create table raw.products (
    product_id text, product_name text, category text, price numeric, cost numeric, supplier text
);
create table raw.transactions (
    transaction_id text, customer_id text, order_date timestamptz, product_id text, quantity bigint,
    unit_price numeric, total_amount numeric, payment_method text, order_status text
)"""
_CHUNK_BYTES = 1 << 20


class RawCopy:
    """COPY, one file after the other on one connection; each load appends."""

    name = "raw COPY"
    orders = "select count(distinct transaction_id) from raw.transactions"

    def __init__(self, url: str) -> None:
        self._url = url

    def prepare(self) -> None:
        """Make the tables."""
        with psycopg.connect(self._url) as connection:
            connection.execute(_TABLES)

    def load(self, files: Files, _day: str) -> Result:
        """Copy the files; nothing is validated, hashed or compared."""
        clock = Clock(self._url)
        with psycopg.connect(self._url) as connection:
            for source in SOURCES:
                statement = f"copy raw.{source} from stdin (format csv, header)".encode()
                with files.path(source).open("rb") as read, connection.cursor().copy(statement) as copy:
                    while chunk := read.read(_CHUNK_BYTES):
                        copy.write(chunk)
        clock.lap("copy")
        return clock.result()
