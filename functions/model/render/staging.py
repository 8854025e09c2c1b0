"""Statements that stage the valid rows of a part of a file: text as it was copied, then typed and hashed.

A part is copied into an unlogged table of its own and typed into another, which becomes a partition of staging: by
CREATE TABLE AS, which PostgreSQL runs on several cores, unlike INSERT. Small files among very many are typed into a
partition that they share, each file's rows known by its id.
"""

from dataclasses import dataclass

from psycopg import sql

from functions.model.declaration import Model
from functions.model.render.hash_keys import hashdiff, key_of, staged_hashdiff
from functions.model.render.plain_cells import plain_cell
from functions.model.render.row_rules import rules, typed

NOTHING = sql.SQL("")
_STORAGE = sql.SQL("parallel_workers = 2, autovacuum_enabled = off")


@dataclass(frozen=True)
class SharedPartition:
    """A partition of staging for the rows of all objects of a source from `first_object` on, before `end_object`."""

    source: str
    first_object: int
    end_object: int

    @property
    def name(self) -> str:
        """The table's name in staging."""
        return f"shared_{self.first_object}"

    @property
    def table(self) -> sql.Identifier:
        """The partition."""
        return sql.Identifier("staging", self.name)


@dataclass(frozen=True)
class StagedPart:
    """One part of an object: where its text and its typed rows are. A file that is not split is part 0.

    `shared`: the partition that the object's rows share with those of others; None: each part has one of its own.
    """

    source: str
    object_id: int
    part: int
    shared: SharedPartition | None = None

    @property
    def raw_table(self) -> sql.Identifier:
        """The table of the text as it was copied, with the number of each row; gone when the part is staged."""
        return sql.Identifier("staging", f"raw_{self.object_id}_{self.part}")

    @property
    def table(self) -> sql.Identifier:
        """The partition of staging that holds the part's rows."""
        if self.shared is not None:
            return self.shared.table
        return sql.Identifier("staging", f"part_{self.object_id}_{self.part}")


def identifiers(names: list[str]) -> sql.Composed:
    """The names, separated by commas."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def render_raw_table(
    model: Model, part: StagedPart, unknown_columns: list[str], first_row: int, *, is_isolated: bool = False
) -> sql.Composed:
    """The table that a part is copied into: text, with the number of each row, `first_row` for the first.

    `is_isolated`: bad lines are in it too, as text with the rules that they break, and every row has its line number.
    """
    columns = [*model.sources[part.source].columns, *unknown_columns]
    return sql.SQL(
        "create unlogged table {} (row_number bigint generated always as identity (start {} cache 1000), {}{})"
        " with ({})"
    ).format(
        part.raw_table,
        first_row,
        sql.SQL("_line bigint, _broken text, _raw_text text, " if is_isolated else ""),
        sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in columns),
        _STORAGE,
    )


def render_copy(model: Model, part: StagedPart, columns: list[str], *, is_isolated: bool = False) -> sql.Composed:
    """COPY of the file's columns, in the file's order; an empty value is NULL, quoted or not.

    `is_isolated`: before them come row number, line, broken rules and raw text (functions/load/staging/csv_records.py).
    """
    names = identifiers(columns)
    delimiter = model.sources[part.source].delimiter
    return sql.SQL("copy {} ({}{}) from stdin (format csv, {}encoding 'UTF8', force_null ({}))").format(
        part.raw_table,
        sql.SQL("row_number, _line, _broken, _raw_text, " if is_isolated else ""),
        names,
        NOTHING if delimiter == "," else sql.SQL("delimiter {}, ").format(delimiter),
        names,
    )


def raw_rows(model: Model, part: StagedPart, more: sql.Composable = NOTHING) -> sql.Composed:
    """The copied rows as plain CSV has them, with defaults in place of empty values, and what is selected beside."""
    source = model.sources[part.source]
    completed = [
        sql.SQL("coalesce({}, {}) as {}").format(
            plain_cell(source, column, sql.Identifier(name)), column.default, sql.Identifier(name)
        )
        if column.default is not None
        else _named(plain_cell(source, column, sql.Identifier(name)), name)
        for name, column in source.columns.items()
    ]
    return sql.SQL("(\n    select row_number, {}{}\n    from {} as copied\n) as raw_row").format(
        more, sql.SQL(", ").join(completed), part.raw_table
    )


def _named(expression: sql.Composable, name: str) -> sql.Composable:
    identifier = sql.Identifier(name)
    return identifier if expression == identifier else sql.SQL("{} as {}").format(expression, identifier)


def is_valid(model: Model, source: str, *, is_isolated: bool) -> sql.Composed:
    """The condition that a valid row meets."""
    good = rules(model, source)
    if any(column.required and column.type != "text" for column in model.sources[source].columns.values()):
        # a header's cell is no number and no instant, so another rule rejects the row already
        del good["row.header"]
    conditions = [*([sql.SQL("_broken is null")] if is_isolated else []), *good.values()]
    return sql.SQL("\n    and ").join(conditions)


def render_stage(model: Model, part: StagedPart, *, is_isolated: bool = False) -> sql.Composed:
    """The part's valid rows, typed and hashed: as a table that can be attached to staging, or in the shared one."""
    columns = model.sources[part.source].columns
    names = ["object_id", "part", "row_number", *columns]
    values: list[sql.Composable] = [sql.SQL("row_number"), *(sql.Identifier(name) for name in columns)]
    for staged, parent in model.hashes(part.source).items():
        values.append(sql.SQL("{} as {}").format(key_of(model, parent, columns), sql.Identifier(staged)))
        names.append(staged)
    for name, satellite in model.satellites_of(part.source).items():
        if satellite.driving_key is None:
            staged = staged_hashdiff(name, satellite)
            values.append(sql.SQL("{} as {}").format(hashdiff(satellite.columns, columns), sql.Identifier(staged)))
            names.append(staged)
    return sql.SQL(
        """{into}
select {object_id}::bigint as object_id, {part}::integer as part, {values}
from (
    select row_number, {typed}
    from {raw}
    where {is_valid}
) as typed_row"""
    ).format(
        into=sql.SQL("create unlogged table {} with ({}) as").format(part.table, _STORAGE)
        if part.shared is None
        else sql.SQL("insert into {} ({})").format(part.table, identifiers(names)),
        object_id=part.object_id,
        part=part.part,
        values=sql.SQL(",\n    ").join(values),
        typed=sql.SQL(", ").join(
            sql.SQL("{} as {}").format(typed(name, column), sql.Identifier(name)) for name, column in columns.items()
        ),
        raw=raw_rows(model, part, sql.SQL("_broken, ") if is_isolated else NOTHING),
        is_valid=is_valid(model, part.source, is_isolated=is_isolated),
    )


def render_attach(part: StagedPart) -> sql.Composed:
    """Make the table that holds the part's rows a partition of staging."""
    low: tuple[sql.Composable | int, sql.Composable | int] = (part.object_id, part.part)
    high: tuple[sql.Composable | int, sql.Composable | int] = (part.object_id, part.part + 1)
    if part.shared is not None:
        low, high = (part.shared.first_object, sql.SQL("minvalue")), (part.shared.end_object, sql.SQL("minvalue"))
    return sql.SQL("alter table {} attach partition {} for values from ({}, {}) to ({}, {})").format(
        sql.Identifier("staging", part.source), part.table, *low, *high
    )


def render_shared_table(shared: SharedPartition) -> list[sql.Composed]:
    """Make a shared partition's table, empty; an index finds the rows of one object."""
    return [
        sql.SQL("create unlogged table {} (like {}) with ({})").format(
            shared.table, sql.Identifier("staging", shared.source), _STORAGE
        ),
        sql.SQL("create index on {} (object_id)").format(shared.table),
    ]


def render_measures(model: Model, part: StagedPart) -> sql.Composed | None:
    """One row: the sum of each measure over all copied rows that hold a number there. None without measures."""
    source = model.sources[part.source]
    if not source.measures:
        return None
    if source.has_plain_cells:
        return sql.SQL("select {}\nfrom {}").format(measure_sums(model, part.source), part.raw_table)
    cells = [_named(plain_cell(source, source.columns[name], sql.Identifier(name)), name) for name in source.measures]
    return sql.SQL("select {}\nfrom (\n    select {}\n    from {}\n) as raw_row").format(
        measure_sums(model, part.source), sql.SQL(", ").join(cells), part.raw_table
    )


def measure_sums(model: Model, source: str) -> sql.Composed:
    """The sum of each measure over the rows that hold a number there."""
    return sql.SQL(", ").join(
        sql.SQL("coalesce(sum({0}::numeric) filter (where {1}), 0)").format(
            sql.Identifier(name), rules(model, source)[f"{name}.type"]
        )
        for name in model.sources[source].measures
    )


def render_part_counts(part: StagedPart) -> sql.Composed:
    """Rows read, quarantined and omitted, lines and measures of the part, if all its valid rows are in staging.

    Parameters: `object_id` and `part`.
    """
    return sql.SQL(
        """select rows_read, rows_quarantined, rows_omitted, lines_read, measures
from metadata.object_part
where object_id = %(object_id)s
    and part = %(part)s
    and staged_at is not null
    and rows_read - rows_quarantined = (
        select count(*) from {} where object_id = %(object_id)s and part = %(part)s
    )"""
    ).format(sql.Identifier("staging", part.source))


def render_staged_counts(source: str) -> sql.Composed:
    """How many rows of these objects should be in staging, by the ledger, and how many are.

    Parameters: `staged` (an array of object ids) and `source`.
    """
    return sql.SQL(
        """select coalesce(sum(rows_read - rows_quarantined), 0),
    (select count(*) from {} where object_id = any(%(staged)s))
from metadata.object_version
where object_id = any(%(staged)s)
    and source = %(source)s"""
    ).format(sql.Identifier("staging", source))
