"""Rows of PostgreSQL as JSON lines, which Spark reads. Bytes pass through here, no row does."""

from pathlib import Path

from psycopg import sql

from functions.common.database import Connection
from functions.model.declaration import Column, ColumnType, Model

# JSON writes control characters as escapes, so these two never stand in it, and CSV quotes nothing
_COPY = r"copy (select to_json(r) from ({}) as r) to stdout (format csv, quote e'\x01', delimiter e'\x02')"

_WRITTEN: dict[ColumnType, str] = {
    "date": "{} - date '1970-01-01'",
    "timestamp": "(extract(epoch from {}) * 1000000)::bigint",
}


def write_json_rows(connection: Connection, query: sql.Composable, path: Path) -> None:
    """Write the rows of a query, a JSON object a line, whose fields are its columns."""
    with path.open("wb") as file, connection.cursor().copy(sql.SQL(_COPY).format(query)) as copied:
        for block in copied:
            file.write(block)


def typed_rows(model: Model, source: str, object_ids: list[int]) -> sql.Composed:
    """The query of the staged rows of these objects, without their hashes, as spark/staging.py reads them."""
    columns = model.sources[source].columns
    values = [
        sql.SQL("{} as {}").format(_written(sql.Identifier(name), column), sql.Identifier(name))
        for name, column in columns.items()
    ]
    return sql.SQL("select object_id, row_number, {} from {} where object_id = any({})").format(
        sql.SQL(", ").join(values), sql.Identifier("staging", source), sql.Literal(object_ids)
    )


def finest_fraction(model: Model, source: str, object_ids: list[int]) -> sql.Composed | None:
    """The query of how many digits after the point the longest decimal of these objects has; None without decimals."""
    decimals = [name for name, column in model.sources[source].columns.items() if column.type == "decimal"]
    if not decimals:
        return None
    digits = [sql.SQL("min_scale({})").format(sql.Identifier(name)) for name in decimals]
    return sql.SQL("select max(greatest({})) from {} where object_id = any({})").format(
        sql.SQL(", ").join(digits), sql.Identifier("staging", source), sql.Literal(object_ids)
    )


def _written(identifier: sql.Identifier, column: Column) -> sql.Composable:
    return sql.SQL(_WRITTEN.get(column.type, "{}")).format(identifier)
