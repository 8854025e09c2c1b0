"""Statements that stage a part of a file: text as it was copied, then typed and hashed, the rest to quarantine.

A part is copied into an unlogged table of its own and typed into another, which becomes a partition of staging. Both
are made by CREATE TABLE AS, which PostgreSQL runs on several cores, unlike INSERT.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from functions.model.declaration import Model
from functions.model.row_expressions import hashdiff, key_of, rules, staged_hashdiff, typed

REJECTED_KEPT = 10_000
"""Of a part's rejected rows so many are kept in full, and then each `REJECTED_SAMPLED`-th; all are counted."""
REJECTED_SAMPLED = 1_000

_NOTHING = sql.SQL("")


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


def render_raw_table(
    model: Model, part: StagedPart, unknown_columns: list[str], first_row: int, *, is_isolated: bool = False
) -> sql.Composed:
    """The table that a part is copied into: text, with the number of each row, `first_row` for the first.

    `is_isolated`: bad lines are in it too, as text with the rules that they break, and every row knows its line.
    """
    columns = [*model.sources[part.source].columns, *unknown_columns]
    return sql.SQL(
        "create unlogged table {} (row_number bigint generated always as identity (start {} cache 1000), {}{})"
        " with (parallel_workers = 2, autovacuum_enabled = off)"
    ).format(
        part.raw_table,
        first_row,
        sql.SQL("_line bigint, _broken text, _raw_text text, " if is_isolated else ""),
        sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in columns),
    )


def render_copy(part: StagedPart, columns: list[str], *, is_isolated: bool = False) -> sql.Composed:
    """COPY of the file's columns, in the file's order; an empty value is NULL, quoted or not.

    `is_isolated`: before them come row number, line, broken rules and raw text (functions/load/staging/csv_records.py).
    """
    names = _identifiers(columns)
    return sql.SQL("copy {} ({}{}) from stdin (format csv, encoding 'UTF8', force_null ({}))").format(
        part.raw_table, sql.SQL("row_number, _line, _broken, _raw_text, " if is_isolated else ""), names, names
    )


def _raw_rows(model: Model, part: StagedPart, more: sql.Composable = _NOTHING) -> sql.Composed:
    """The copied rows, with defaults in place of empty values, and what is selected beside them."""
    completed = [
        sql.SQL("coalesce({0}, {1}) as {0}").format(sql.Identifier(name), column.default)
        if column.default is not None
        else sql.Identifier(name)
        for name, column in model.sources[part.source].columns.items()
    ]
    return sql.SQL("(\n    select row_number, {}{}\n    from {}\n) as raw_row").format(
        more, sql.SQL(", ").join(completed), part.raw_table
    )


def _is_valid(model: Model, source: str, *, is_isolated: bool) -> sql.Composed:
    conditions = [*([sql.SQL("_broken is null")] if is_isolated else []), *rules(model, source).values()]
    return sql.SQL("\n    and ").join(conditions)


def render_stage(model: Model, part: StagedPart, *, is_isolated: bool = False) -> sql.Composed:
    """The part's valid rows, typed and hashed, as a table that can be attached to staging."""
    columns = model.sources[part.source].columns
    values: list[sql.Composable] = [sql.SQL("row_number"), *(sql.Identifier(name) for name in columns)]
    for staged, parent in model.hashes(part.source).items():
        values.append(sql.SQL("{} as {}").format(key_of(model, parent, columns), sql.Identifier(staged)))
    for name, satellite in model.satellites_of(part.source).items():
        if satellite.driving_key is None:
            staged = staged_hashdiff(name, satellite)
            values.append(sql.SQL("{} as {}").format(hashdiff(satellite.columns, columns), sql.Identifier(staged)))
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
        raw=_raw_rows(model, part, sql.SQL("_broken, ") if is_isolated else _NOTHING),
        is_valid=_is_valid(model, part.source, is_isolated=is_isolated),
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


def render_quarantine(
    model: Model,
    part: StagedPart,
    *,
    is_isolated: bool = False,
    columns_with_line_ends: Sequence[str] = (),
    line_of_row_0: int = 1,
) -> sql.Composed:
    """The part's rows that break a rule, to quarantine, each with all the rules that it breaks.

    A row's line is in the table (`is_isolated`), or counted, where cells of `columns_with_line_ends` go on over
    several, or else in step with its number.
    """
    line: sql.Composable
    more: sql.Composable
    if is_isolated:
        line, more = sql.SQL("_line"), sql.SQL("_line, _broken, _raw_text, ")
    elif columns_with_line_ends:
        line, more = sql.SQL("_line"), _counted_line(columns_with_line_ends, line_of_row_0)
    else:
        line, more = sql.SQL("row_number + {}").format(line_of_row_0), _NOTHING
    reasons = sql.SQL("array_remove(array[\n    {}\n], null)").format(
        sql.SQL(",\n    ").join(
            sql.SQL("case when not {} then {} end").format(condition, rule)
            for rule, condition in rules(model, part.source).items()
        )
    )
    raw: sql.Composable = sql.SQL(
        "to_jsonb(raw_row) - array['row_number', '_line', '_broken', '_raw_text', '_rejected']"
    )
    if is_isolated:
        reasons = sql.SQL("coalesce(string_to_array(_broken, ','), {})").format(reasons)
        raw = sql.SQL("case when _broken is null then {} end").format(raw)
    return sql.SQL(
        """insert into metadata.quarantine (object_id, row_number, line_number, raw, raw_text, reasons)
select {object_id}, row_number, {line}, {raw}, {raw_text}, {reasons}
from {rejected}
where {is_kept}"""
    ).format(
        object_id=part.object_id,
        line=line,
        raw=raw,
        raw_text=sql.SQL("_raw_text" if is_isolated else "null"),
        reasons=reasons,
        rejected=_rejected_rows(model, part, more, is_isolated=is_isolated),
        is_kept=_is_kept(),
    )


def _rejected_rows(model: Model, part: StagedPart, more: sql.Composable, *, is_isolated: bool) -> sql.Composed:
    """The part's rows that break a rule, numbered in the order of the file."""
    return sql.SQL(
        """(
    select *, row_number() over (order by row_number) as _rejected
    from {raw_rows}
    where not ({is_valid})
) as raw_row"""
    ).format(raw_rows=_raw_rows(model, part, more), is_valid=_is_valid(model, part.source, is_isolated=is_isolated))


def _is_kept() -> sql.Composed:
    return sql.SQL("(_rejected <= {} or _rejected % {} = 0)").format(REJECTED_KEPT, REJECTED_SAMPLED)


def render_omitted_measures(model: Model, part: StagedPart, *, is_isolated: bool = False) -> sql.Composed | None:
    """One row: the sum of each measure over the rejected rows that quarantine does not keep. None without measures."""
    measures = model.sources[part.source].measures
    if not measures:
        return None
    return sql.SQL("select {}\nfrom {}\nwhere not {}").format(
        _sums(model, part.source),
        _rejected_rows(model, part, sql.SQL("_broken, ") if is_isolated else _NOTHING, is_isolated=is_isolated),
        _is_kept(),
    )


def _sums(model: Model, source: str) -> sql.Composed:
    """The sum of each measure over the rows that hold a number there."""
    return sql.SQL(", ").join(
        sql.SQL("coalesce(sum({0}::numeric) filter (where {1}), 0)").format(
            sql.Identifier(name), rules(model, source)[f"{name}.type"]
        )
        for name in model.sources[source].measures
    )


def _counted_line(columns: Sequence[str], line_of_row_0: int) -> sql.Composed:
    within = sql.SQL(" + ").join(
        sql.SQL("coalesce(regexp_count({}, '\\n'), 0)").format(sql.Identifier(name)) for name in columns
    )
    return sql.SQL(
        """row_number + {} + coalesce(sum({}) over (
        order by row_number rows between unbounded preceding and 1 preceding
    ), 0) as _line, """
    ).format(line_of_row_0, within)


def render_unknown_columns(part: StagedPart, unknown_columns: dict[str, str]) -> sql.Composed:
    """The values of columns that the model does not know, as JSON. `unknown_columns`: name in the file -> column."""
    return sql.SQL(
        """insert into metadata.unknown_columns (object_id, row_number, content)
select {object_id}, row_number, content
from {raw}, jsonb_strip_nulls(jsonb_object(array[{names}], array[{columns}])) as content
where content <> '{{}}'"""
    ).format(
        object_id=part.object_id,
        raw=part.raw_table,
        names=sql.SQL(", ").join(map(sql.Literal, unknown_columns)),
        columns=_identifiers([*unknown_columns.values()]),
    )


def render_measures(model: Model, part: StagedPart) -> sql.Composed | None:
    """One row: the sum of each measure over all copied rows that hold a number there. None without measures."""
    measures = model.sources[part.source].measures
    if not measures:
        return None
    return sql.SQL("select {}\nfrom {}").format(_sums(model, part.source), part.raw_table)
