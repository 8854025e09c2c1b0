"""Statements that stage a part of a file: text as it was copied, then typed and hashed, the rest to quarantine.

A part is copied into an unlogged table of its own and typed into another, which becomes a partition of staging. Both
are made by CREATE TABLE AS, which PostgreSQL runs on several cores, unlike INSERT.
"""

from dataclasses import dataclass

from psycopg import sql

from functions.load.expressions import digest, key_of, rules, staged_hashdiff, typed
from functions.load.model import Model


@dataclass(frozen=True)
class StagedPart:
    """One part of an object: where its text and its typed rows are. A file that is not split is part 0."""

    source: str
    object_id: int
    part: int

    @property
    def raw_table(self) -> sql.Identifier:
        """The table of the text as it was copied, with the number of each row; gone when the part is staged."""
        return sql.Identifier("staging", f"raw_{self.object_id}_{self.part}")

    @property
    def table(self) -> sql.Identifier:
        """The part's partition of staging."""
        return sql.Identifier("staging", f"part_{self.object_id}_{self.part}")


def _identifiers(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def render_raw_table(model: Model, part: StagedPart, unknown_columns: list[str], first_row: int) -> sql.Composed:
    """The table that a part is copied into: text, with the number of each row, `first_row` for the first."""
    columns = [*model.sources[part.source].columns, *unknown_columns]
    return sql.SQL(
        "create unlogged table {} (row_number bigint generated always as identity (start {} cache 1000), {})"
        " with (parallel_workers = 2, autovacuum_enabled = off)"
    ).format(
        part.raw_table,
        first_row,
        sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in columns),
    )


def render_copy(part: StagedPart, columns: list[str]) -> sql.Composed:
    """COPY of the file's columns, in the file's order; an empty value is NULL, quoted or not."""
    names = _identifiers(columns)
    return sql.SQL("copy {} ({}) from stdin (format csv, encoding 'UTF8', force_null ({}))").format(
        part.raw_table, names, names
    )


def _raw_rows(model: Model, part: StagedPart) -> sql.Composed:
    """The copied rows, with defaults in place of empty values."""
    completed = [
        sql.SQL("coalesce({0}, {1}) as {0}").format(sql.Identifier(name), column.default)
        if column.default is not None
        else sql.Identifier(name)
        for name, column in model.sources[part.source].columns.items()
    ]
    return sql.SQL("(\n    select row_number, {}\n    from {}\n) as raw_row").format(
        sql.SQL(", ").join(completed), part.raw_table
    )


def _is_valid(model: Model, source: str) -> sql.Composed:
    return sql.SQL("\n    and ").join(rules(model, source).values())


def render_stage(model: Model, part: StagedPart) -> sql.Composed:
    """The part's valid rows, typed and hashed, as a table that can be attached to staging."""
    columns = model.sources[part.source].columns
    values: list[sql.Composable] = [sql.SQL("row_number"), *(sql.Identifier(name) for name in columns)]
    for staged, parent in model.hashes(part.source).items():
        values.append(sql.SQL("{} as {}").format(key_of(model, parent, columns), sql.Identifier(staged)))
    for name, satellite in model.satellites_of(part.source).items():
        if satellite.driving_key is None:
            hashdiff = sql.Identifier(staged_hashdiff(name, satellite))
            values.append(sql.SQL("{} as {}").format(digest(satellite.columns, columns), hashdiff))
    return sql.SQL(
        """create unlogged table {table} with (parallel_workers = 2, autovacuum_enabled = off) as
select {object_id}::bigint as object_id, {part}::integer as part, {values}
from (
    select row_number, {typed}
    from {raw}
    where {is_valid}
) as typed_row"""
    ).format(
        table=part.table,
        object_id=part.object_id,
        part=part.part,
        values=sql.SQL(",\n    ").join(values),
        typed=sql.SQL(", ").join(
            sql.SQL("{} as {}").format(typed(name, column), sql.Identifier(name)) for name, column in columns.items()
        ),
        raw=_raw_rows(model, part),
        is_valid=_is_valid(model, part.source),
    )


def render_attach(part: StagedPart) -> sql.Composed:
    """Make the part's table a partition of staging."""
    return sql.SQL("alter table {} attach partition {} for values from ({}, {}) to ({}, {})").format(
        sql.Identifier("staging", part.source),
        part.table,
        part.object_id,
        part.part,
        part.object_id,
        part.part + 1,
    )


def render_quarantine(model: Model, part: StagedPart) -> sql.Composed:
    """The part's rows that break a rule, to quarantine, each with all the rules that it breaks."""
    return sql.SQL(
        """insert into metadata.quarantine (object_id, row_number, line_number, raw, reasons)
select {object_id}, row_number, row_number + 1, to_jsonb(raw_row) - 'row_number', array_remove(array[
    {reasons}
], null)
from {raw}
where not ({is_valid})"""
    ).format(
        object_id=part.object_id,
        reasons=sql.SQL(",\n    ").join(
            sql.SQL("case when not {} then {} end").format(condition, rule)
            for rule, condition in rules(model, part.source).items()
        ),
        raw=_raw_rows(model, part),
        is_valid=_is_valid(model, part.source),
    )


def render_unknown_columns(part: StagedPart, unknown_columns: dict[str, str]) -> sql.Composed:
    """The values of columns that the model does not know, as JSON. `unknown_columns`: name in the file -> column."""
    pairs = [sql.SQL("{}, {}").format(name, sql.Identifier(column)) for name, column in unknown_columns.items()]
    return sql.SQL(
        """insert into metadata.unknown_columns (object_id, row_number, content)
select {object_id}, row_number, content
from {raw}, jsonb_strip_nulls(jsonb_build_object({pairs})) as content
where content <> '{{}}'"""
    ).format(object_id=part.object_id, raw=part.raw_table, pairs=sql.SQL(", ").join(pairs))


def render_measures(model: Model, part: StagedPart) -> sql.Composed | None:
    """One row: the sum of each measure over all copied rows that hold a number there. None without measures."""
    measures = model.sources[part.source].measures
    if not measures:
        return None
    sums = [
        sql.SQL("coalesce(sum({0}::numeric) filter (where {1}), 0)").format(
            sql.Identifier(name), rules(model, part.source)[f"{name}.type"]
        )
        for name in measures
    ]
    return sql.SQL("select {}\nfrom {}").format(sql.SQL(", ").join(sums), part.raw_table)
