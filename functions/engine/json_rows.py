"""Rows of the ledger as JSON lines, which Spark reads. Bytes pass through here, no row does."""

from pathlib import Path

from psycopg import sql

from functions.common.database import Connection

# JSON writes control characters as escapes, so these two never stand in it, and CSV quotes nothing
_COPY = r"copy (select to_json(r) from ({}) as r) to stdout (format csv, quote e'\x01', delimiter e'\x02')"


def write_json_rows(connection: Connection, query: sql.Composable, path: Path) -> None:
    """Write the rows of a query, a JSON object a line, whose fields are its columns."""
    with path.open("wb") as file, connection.cursor().copy(sql.SQL(_COPY).format(query)) as copied:
        for block in copied:
            file.write(block)
