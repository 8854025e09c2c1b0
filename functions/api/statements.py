"""The API's static SQL: the files of sql/api."""

from pathlib import Path

from psycopg import sql

FOLDER = Path(__file__).resolve().parents[2] / "sql" / "api"


def read_sql(name: str) -> sql.SQL:
    """The text of a file; a place in braces is to be filled in by `format`."""
    return sql.SQL((FOLDER / name).read_text(encoding="utf-8").rstrip())
