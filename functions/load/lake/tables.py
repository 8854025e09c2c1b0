"""Tables of the lake: a view of the business vault as Parquet files, with exact types, in chunks of bounded size.

Numbers are decimal(38, 18), Spark's and Hive's widest with room for money and averages: 20 digits before the point,
and further decimals are rounded. Instants are in UTC, to the microsecond. awswrangler and pandas are imported where
they are used: they take seconds, and only the export's function carries them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import DataError

if TYPE_CHECKING:
    import pyarrow

DECIMALS = 18
FILE_ROWS = 50_000
"""Rows of a file at most, and rows kept in memory at once."""

_NUMERIC = 1700
# What awswrangler writes otherwise is Spark's INT96, which has no zone and ends in the year 2262.
_EXACT_INSTANTS = {"coerce_timestamps": "us", "flavor": None, "use_deprecated_int96_timestamps": False}


class LakeError(DataError):
    """A value does not fit the lake's types."""


@dataclass(frozen=True)
class LakeTable:
    """A table of the lake: the rows of `view`, partitioned by the month of the column `month_of`, if any.

    The view of that name is read in the schema `masked`, or, if the model's `lake_persons` says so, with persons.
    Slices of it are ranges of the column `key`, or of months.
    """

    name: str
    view: str
    key: str
    month_of: str | None = None

    @property
    def partition(self) -> str | None:
        """The name of the partition key."""
        return None if self.month_of is None else f"{self.month_of.removesuffix('_date')}_month"


TABLES = (
    LakeTable("customers", "vw_customer_360_published", key="customer_id"),
    LakeTable("products", "vw_product_analytics", key="product_id"),
    LakeTable("order_lines", "vw_order_analytics", key="order_date", month_of="order_date"),
)

NO_MONTH = "unknown"


@dataclass(frozen=True)
class Chunk:
    """Rows for one file. `month`: the partition they belong to, as YYYY-MM, or NO_MONTH; None where there is none."""

    month: str | None
    rows: "pyarrow.Table"


@dataclass(frozen=True)
class Slice:
    """The rows of a table whose key is at least `low` and below `high`, as text; None: no bound.

    The last slice, which has no `high`, has the rows without a key too.
    """

    low: str | None = None
    high: str | None = None

    def condition(self, key: str) -> sql.Composed:
        """What rows of the slice meet."""
        name = sql.Identifier(key)
        bounds = [
            sql.SQL("{} {} {}").format(name, sql.SQL(sign), sql.Literal(bound))
            for sign, bound in ((">=", self.low), ("<", self.high))
            if bound is not None
        ]
        condition = sql.SQL(" and ").join(bounds) if bounds else sql.SQL("true").format()
        return condition if self.high else sql.SQL("({} or {} is null)").format(condition, name)


ALL = Slice()


def slices(connection: Connection, table: LakeTable, schema: str, rows: int) -> list[Slice]:
    """The table in slices of about so many rows, of whole months where it has months; one at least."""
    view, key = sql.Identifier(schema, table.view), sql.Identifier(table.key)
    statement = _MONTHS_THAT_BEGIN_A_SLICE if table.month_of else _KEYS_THAT_BEGIN_A_SLICE
    bounds = [
        row[0] for row in connection.execute(sql.SQL(statement).format(view=view, key=key, rows=sql.Literal(rows)))
    ]
    return [Slice(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True)]


_KEYS_THAT_BEGIN_A_SLICE = """select key::text
from (select {key} as key, row_number() over (order by {key}) - 1 as before from {view} where {key} is not null) as k
where before > 0 and before % {rows} = 0
order by before"""

# a slice begins where the months before it fill one more slice than those before the month before
_MONTHS_THAT_BEGIN_A_SLICE = """select month::text
from (
    select month, before / {rows} as slice, lag(before / {rows}) over (order by month) as slice_before
    from (
        select month at time zone 'UTC' as month, sum(rows) over (order by month) - rows as before
        from (
            select date_trunc('month', {key} at time zone 'UTC') as month, count(*)::bigint as rows
            from {view} where {key} is not null group by 1
        ) as months
    ) as counted
) as begun
where floor(slice) > floor(slice_before)
order by month"""


def read_chunks(
    connection: Connection, table: LakeTable, schema: str, rows: int = FILE_ROWS, within: Slice = ALL
) -> Iterator[Chunk]:
    """The rows of a slice of the table's view in `schema`, by month, at most `rows` at a time, streamed from a server's
    cursor.

    Where there are none it gives one empty chunk, which still has its columns. Raises LakeError.
    """
    view = sql.Identifier(schema, table.view)
    columns = _columns(connection, view)
    names = [name for name, _ in columns]
    position = names.index(table.month_of) if table.month_of else None
    is_empty = True
    with connection.cursor(name=f"lake_{table.name}") as cursor:
        cursor.execute(_render(view, table, columns, within))
        while batch := cursor.fetchmany(rows):
            for month, part in _by_month(batch, position):
                is_empty = False
                yield Chunk(month, _to_arrow(table, columns, part))
    if is_empty:
        yield Chunk(None if table.month_of is None else NO_MONTH, _to_arrow(table, columns, []))


def _columns(connection: Connection, view: sql.Identifier) -> list[tuple[str, int]]:
    """Names and type OIDs of the view's columns."""
    cursor = connection.execute(sql.SQL("select * from {} limit 0").format(view))
    return [(column.name, column.type_code) for column in cursor.description or ()]


def _render(view: sql.Identifier, table: LakeTable, columns: Sequence[tuple[str, int]], within: Slice) -> sql.Composed:
    values = [
        sql.SQL("round({0}, {1}) as {0}").format(sql.Identifier(name), DECIMALS)
        if oid == _NUMERIC
        else sql.Identifier(name)
        for name, oid in columns
    ]
    where = sql.SQL(" where {}").format(within.condition(table.key)) if within != ALL else sql.SQL("")
    order = sql.SQL(" order by {}").format(sql.Identifier(table.month_of)) if table.month_of else sql.SQL("")
    return sql.SQL("select {} from {}{}{}").format(sql.SQL(", ").join(values), view, where, order)


def _by_month(batch: list[tuple[Any, ...]], position: int | None) -> Iterator[tuple[str | None, list[tuple[Any, ...]]]]:
    """The batch, cut where the month changes; it is in the order of the column at `position`."""
    if position is None:
        yield None, batch
        return
    start = 0
    months = [NO_MONTH if row[position] is None else f"{row[position]:%Y-%m}" for row in batch]
    for end in range(1, len(batch) + 1):
        if end == len(batch) or months[end] != months[start]:
            yield months[start], batch[start:end]
            start = end


def _to_arrow(table: LakeTable, columns: Sequence[tuple[str, int]], rows: Sequence[tuple[Any, ...]]) -> "pyarrow.Table":
    import pyarrow

    types = {
        16: pyarrow.bool_(),
        20: pyarrow.int64(),
        21: pyarrow.int16(),
        23: pyarrow.int32(),
        701: pyarrow.float64(),
        1082: pyarrow.date32(),
        1184: pyarrow.timestamp("us", "UTC"),
        _NUMERIC: pyarrow.decimal128(38, DECIMALS),
    }
    arrays = []
    for position, (name, oid) in enumerate(columns):
        values = [row[position] for row in rows]
        if oid not in types:
            values = [None if value is None else str(value) for value in values]
        try:
            arrays.append(pyarrow.array(values, types.get(oid, pyarrow.string())))
        except pyarrow.ArrowInvalid:
            raise LakeError("a value does not fit decimal(38, 18)", table=table.name, column=name) from None
    return pyarrow.table(arrays, names=[name for name, _ in columns])


def write_file(path: str, rows: "pyarrow.Table") -> dict[str, str]:
    """Write one Parquet file to an S3 URL; return its columns with their Glue types."""
    import awswrangler
    import pandas

    frame = rows.to_pandas(types_mapper=pandas.ArrowDtype)
    awswrangler.s3.to_parquet(
        df=frame, path=path, index=False, compression="zstd", pyarrow_additional_kwargs=dict(_EXACT_INSTANTS)
    )
    types, _ = awswrangler.catalog.extract_athena_types(frame, index=False)
    return dict(types)
