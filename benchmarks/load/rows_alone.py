"""What no load of this vault can go below: its rows, computed before, are written, and their indexes built.

On two connections, each table's rows first and its indexes last.
"""

from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import sql

from benchmarks.load.files import Files
from benchmarks.load.ours import OurLoad
from benchmarks.load.result import Clock, Result

_TABLES = (
    "link_order_product", "sat_order_details", "sat_order_line", "hub_order", "link_customer_order",
    "sat_customer_order_effectivity", "sat_customer_details", "hub_customer", "sat_product_details", "hub_product",
)  # fmt: skip
_CONNECTIONS = 2


class RowsAlone:
    """The rows that our load of the files writes, written once more."""

    name = "vault's rows alone"
    orders = "select count(transaction_id) from raw_vault.hub_order"

    def __init__(self, url: str) -> None:
        self._url = url

    def prepare(self) -> None:
        """Migrate the database."""
        OurLoad(self._url).prepare()

    def load(self, files: Files, day: str) -> Result:
        """Load the files our way, then write what that wrote to empty tables; only the latter counts."""
        with psycopg.connect(self._url) as connection:
            indexes = {table: self._indexes(connection, table) for table in _TABLES}  # before readers get theirs
        OurLoad(self._url).load(files, day)
        with psycopg.connect(self._url) as connection:
            connection.execute("create schema computed; create schema written")
            for table in _TABLES:
                of = sql.Identifier("raw_vault", table)
                connection.execute(
                    sql.SQL("create unlogged table {} as select * from {}").format(
                        sql.Identifier("computed", table), of
                    )
                )
                connection.execute(
                    sql.SQL("create table {} (like {} including defaults)").format(sql.Identifier("written", table), of)
                )
        clock = Clock(self._url)
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            list(pool.map(self._write, _TABLES, indexes.values()))
        clock.lap("rows and indexes")
        return clock.result()

    @staticmethod
    def _indexes(connection: psycopg.Connection, table: str) -> list[str]:
        indexes = connection.execute(
            "select pg_get_indexdef(indexrelid) from pg_index where indrelid = %s::regclass", (f"raw_vault.{table}",)
        )
        return [row[0].replace(" ON raw_vault.", " ON written.") for row in indexes]

    def _write(self, table: str, indexes: list[str]) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(
                sql.SQL("insert into {} select * from {}").format(
                    sql.Identifier("written", table), sql.Identifier("computed", table)
                )
            )
            for definition in indexes:
                connection.execute(definition.encode())
