"""The files of sql/: the model, the migrations, and every statement that no program composes."""

from functools import cache
from pathlib import Path

from psycopg import sql

SQL_FOLDER = Path(__file__).resolve().parents[2] / "sql"


@cache
def read_sql(name: str) -> sql.SQL:
    """The text of a file below sql/, such as `marts/quintiles.sql`; `format` fills in what stands in braces."""
    return sql.SQL((SQL_FOLDER / name).read_text(encoding="utf-8").rstrip())
