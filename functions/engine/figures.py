"""What a table of the vault adds up to: its rows, the sums of its measures, and a hash over every column of every row.

PostgreSQL computes it here and Spark in spark_move.py, each from the texts in which the rows are carried. A row's text
is that of its columns by name, each with its length before it, so no two rows have the same; its SHA-256 is added to
those of the others, so their order says nothing, and a row too many, too few or altered says much.
"""

from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import C360Error
from functions.model.render.spark.names import FRACTION_DIGITS

_TEXTS = {
    "bytea": "encode({}, 'hex')",
    "text": "{}",
    "boolean": "{}::text",
    "smallint": "{}::text",
    "integer": "{}::text",
    "bigint": "{}::text",
    # with as many digits as an Iceberg table has room for
    "numeric": f"trim_scale(round({{}}, {FRACTION_DIGITS}))::text",
    "date": "({} - date '1970-01-01')::text",
    "timestamp with time zone": "(extract(epoch from {}) * 1000000)::bigint::text",
}
"""How a value is written, by its type in PostgreSQL: the same text for the same value in both engines."""

_COLUMNS = """select attname, format_type(atttypid, null)
from pg_catalog.pg_attribute
where attrelid = {table}::regclass and attnum > 0 and not attisdropped
order by attname collate "C" """

_FIGURES = """select count(*),
    coalesce(sum(('x' || substr(hash, 1, 15))::bit(60)::bigint), 0),
    coalesce(sum(('x' || substr(hash, 16, 15))::bit(60)::bigint), 0){sums}
from (select encode(sha256(convert_to({line}, 'UTF8')), 'hex') as hash{measures} from {rows}) as hashed"""

_UNITS = f", trunc(coalesce(sum(round({{}}::numeric, {FRACTION_DIGITS})), 0) * 1e{FRACTION_DIGITS})"


class UnknownTypeError(C360Error):
    """A table of the vault has a column of a type that nobody has said how to carry."""


@dataclass(frozen=True)
class Figures:
    """`hashes`: two sums, of the first and the second 60 bits of the rows' hashes. `sums`: by measure, in 10^-18."""

    rows: int = 0
    hashes: tuple[int, int] = (0, 0)
    sums: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: "Figures") -> "Figures":
        """Of both parts of a table."""
        names = sorted(self.sums | other.sums)
        return Figures(
            self.rows + other.rows,
            (self.hashes[0] + other.hashes[0], self.hashes[1] + other.hashes[1]),
            {name: self.sums.get(name, 0) + other.sums.get(name, 0) for name in names},
        )

    @classmethod
    def of(cls, given: dict[str, Any]) -> "Figures":
        """Those that were written as JSON."""
        first, second = given["hashes"]
        return cls(given["rows"], (first, second), dict(given["sums"]))

    def differences(self, other: "Figures") -> list[str]:
        """What differs, and how."""
        found = [] if self.rows == other.rows else [f"{self.rows} and {other.rows} rows"]
        for name in sorted(self.sums | other.sums):
            ours, theirs = self.sums.get(name, 0), other.sums.get(name, 0)
            if ours != theirs:
                found.append(f"{name} adds up to {_decimal(ours)} and {_decimal(theirs)}")
        if not found and self.hashes != other.hashes:
            found.append("the rows are as many, and not the same")
        return found


def columns_of(connection: Connection, table: str) -> dict[str, str]:
    """The columns of a table of the raw vault, by name, with their types in PostgreSQL. Raises UnknownTypeError."""
    rows = connection.execute(sql.SQL(_COLUMNS).format(table=sql.Literal(f"raw_vault.{table}"))).fetchall()
    columns: dict[str, str] = dict(rows)
    for name, kind in columns.items():
        if kind not in _TEXTS:
            raise UnknownTypeError("no column of this type can be carried", table=table, column=name, type=kind)
    return columns


def measures_of(columns: dict[str, str], own: set[str]) -> list[str]:
    """The columns that are numbers, of those that the model declares (`own`)."""
    return [name for name, kind in columns.items() if name in own and kind in ("numeric", "bigint", "integer")]


def texts(columns: dict[str, str]) -> sql.Composed:
    """The select list of a row's texts."""
    return sql.SQL(", ").join(
        sql.SQL("{} as {}").format(_text(name, kind), sql.Identifier(name)) for name, kind in columns.items()
    )


def figures(connection: Connection, columns: dict[str, str], measures: list[str], rows: sql.Composable) -> Figures:
    """Of these rows: a table of them, with a condition."""
    line = sql.SQL(" || ").join(
        sql.SQL("coalesce(octet_length({0})::text || ':' || {0}, '-')").format(_text(name, kind))
        for name, kind in columns.items()
    )
    names = [sql.Identifier(name) for name in measures]
    units = [sql.SQL(_UNITS).format(name) for name in names]
    [(count, first, second, *sums)] = connection.execute(
        sql.SQL(_FIGURES).format(
            sums=sql.SQL("").join(units),
            line=line,
            measures=sql.SQL("").join(sql.SQL(", {}").format(name) for name in names),
            rows=rows,
        )
    ).fetchall()
    return Figures(count, (int(first), int(second)), dict(zip(measures, map(int, sums), strict=True)))


def _text(name: str, kind: str) -> sql.Composed:
    return sql.SQL(_TEXTS[kind]).format(sql.Identifier(name))


def _decimal(units: int) -> str:
    whole, fraction = divmod(abs(units), 10**FRACTION_DIGITS)
    digits = f".{fraction:0{FRACTION_DIGITS}d}".rstrip("0").rstrip(".")
    return f"{'-' if units < 0 else ''}{whole}{digits}"
