"""Names and texts in Spark SQL. Those of the model are checked when it is read: letters, digits and underscores."""

from collections.abc import Iterable

from functions.model.declaration import ColumnType

CATALOG = "lake"
"""The Iceberg catalog of the session that runs the statements."""

TRACKING = "record_tracking_satellite"

FRACTION_DIGITS = 18
"""Of a decimal in a table, after the point."""

SPARK_TYPES: dict[ColumnType, str] = {
    "text": "string",
    "integer": "bigint",
    "decimal": f"decimal(38,{FRACTION_DIGITS})",
    "date": "date",
    "timestamp": "timestamp",
}
"""As in the lake's export: a decimal has at most 15 digits before the point (row_rules), so 18 after it fit."""


def quoted(name: str, table: str | None = None) -> str:
    """A name, of a column of `table` if that is given."""
    return f"`{name}`" if table is None else f"{table}.`{name}`"


def listed(names: Iterable[str], table: str | None = None) -> str:
    """Names, separated by commas."""
    return ", ".join(quoted(name, table) for name in names)


def vault_table(name: str) -> str:
    """A table of the raw vault."""
    return f"{CATALOG}.raw_vault.`{name}`"


def staged_view(source: str) -> str:
    """The run's staged rows of a source, with their hash keys and hashdiffs (spark/staging.py)."""
    return f"`staged_{source}`"


def hashed_view(source: str) -> str:
    """The same rows, each by itself."""
    return f"`hashed_{source}`"


def repeated_view(source: str) -> str:
    """Of them those that share their key with others of their file."""
    return f"`repeated_{source}`"


def literal(text: str) -> str:
    """A text as it stands in a statement; for what the program itself names, not for data."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
