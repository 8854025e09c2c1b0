"""Typed rows of staging as the text that COPY writes, which Spark reads. Bytes pass through here, no row does.

A row is a line, a tab stands between its values, and PostgreSQL escapes what a value holds of both, so a file can be
read in pieces. A day is its number and an instant its microseconds since 1970, so that nobody reads a date twice; a
decimal is its shortest text, with all its digits, as a hash has it.
"""

from pathlib import Path

from psycopg import sql

from functions.common.database import Connection
from functions.model.declaration import Column, ColumnType, Model

_WRITTEN: dict[ColumnType, str] = {
    "decimal": "trim_scale({})",
    "date": "{} - date '1970-01-01'",
    "timestamp": "(extract(epoch from {}) * 1000000)::bigint",
}


def write_copied_rows(connection: Connection, query: sql.Composable, path: Path) -> bool:
    """Write the rows of a query as COPY's text, with nothing for NULL. Returns whether anything in it is escaped."""
    copy = sql.SQL("copy ({}) to stdout (null '')").format(query)
    is_escaped = False
    with path.open("wb") as file, connection.cursor().copy(copy) as copied:
        for block in copied:
            is_escaped = is_escaped or b"\\" in bytes(block)
            file.write(block)
    return is_escaped


def typed_rows(model: Model, source: str, object_ids: list[int]) -> sql.Composed:
    """The query of the staged rows of these objects, without their hashes, as spark/staging.py reads them."""
    columns = model.sources[source].columns
    values = [_written(sql.Identifier(name), column) for name, column in columns.items()]
    return sql.SQL("select object_id, row_number, {} from {} where object_id = any({})").format(
        sql.SQL(", ").join(values), sql.Identifier("staging", source), sql.Literal(object_ids)
    )


def _written(identifier: sql.Identifier, column: Column) -> sql.Composable:
    return sql.SQL(_WRITTEN.get(column.type, "{}")).format(identifier)
