"""Statements that keep what staging leaves out of a part: invalid rows, and columns that the model does not know."""

from collections.abc import Sequence

from psycopg import sql

from functions.model.declaration import Model
from functions.model.render.row_rules import rules
from functions.model.render.staging import NOTHING, StagedPart, identifiers, is_valid, measure_sums, raw_rows

REJECTED_KEPT = 10_000
"""Of a part's rejected rows so many are kept in full, and then each `REJECTED_SAMPLED`-th; all are counted."""
REJECTED_SAMPLED = 1_000


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
        line, more = sql.SQL("row_number + {}").format(line_of_row_0), NOTHING
    reasons = sql.SQL("array_remove(array[\n    {}\n], null)").format(
        sql.SQL(",\n    ").join(
            sql.SQL("case when not {} then {} end").format(condition, rule)
            for rule, condition in rules(model, part.source).items()
        )
    )
    raw: sql.Composable = sql.SQL(
        "to_jsonb(raw_row) - array['row_number', '_line', '_broken', '_raw_text', '_rejected']"
    )
    if not model.sources[part.source].has_plain_cells:
        raw, more = (
            sql.SQL("_as_delivered"),
            sql.SQL("{}{} as _as_delivered, ").format(more, _as_delivered(model, part)),
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
        rejected=rejected_rows(model, part, more, is_isolated=is_isolated),
        is_kept=_is_kept(),
    )


def _as_delivered(model: Model, part: StagedPart) -> sql.Composed:
    """The cells as the file has them, which is how somebody corrects them."""
    columns = [sql.Identifier("copied", name) for name in model.sources[part.source].columns]
    return sql.SQL("(select to_jsonb(cells) from (select {}) as cells)").format(sql.SQL(", ").join(columns))


def rejected_rows(model: Model, part: StagedPart, more: sql.Composable, *, is_isolated: bool) -> sql.Composed:
    """The part's rows that break a rule, numbered in the order of the file."""
    return sql.SQL(
        """(
    select *, row_number() over (order by row_number) as _rejected
    from {raw_rows}
    where not ({is_valid})
) as raw_row"""
    ).format(raw_rows=raw_rows(model, part, more), is_valid=is_valid(model, part.source, is_isolated=is_isolated))


def _is_kept() -> sql.Composed:
    return sql.SQL("(_rejected <= {} or _rejected % {} = 0)").format(REJECTED_KEPT, REJECTED_SAMPLED)


def render_omitted_measures(model: Model, part: StagedPart, *, is_isolated: bool = False) -> sql.Composed | None:
    """One row: the sum of each measure over the rejected rows that quarantine does not keep. None without measures."""
    if not model.sources[part.source].measures:
        return None
    return sql.SQL("select {}\nfrom {}\nwhere not {}").format(
        measure_sums(model, part.source),
        rejected_rows(model, part, sql.SQL("_broken, ") if is_isolated else NOTHING, is_isolated=is_isolated),
        _is_kept(),
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
        columns=identifiers([*unknown_columns.values()]),
    )


def render_mark_replayed(part: StagedPart, id_column: str) -> sql.Composed:
    """Mark the rows in quarantine that rows of this part correct: same source, same effective instant.

    `id_column`: the column of the raw table with the id of the corrected row.
    """
    return sql.SQL(
        """update metadata.quarantine as q
set replayed_by = mine.object_id
from {raw} as corrected, metadata.object_version as mine, metadata.object_version as other
where mine.object_id = {object_id}
    and q.quarantine_id = case when pg_input_is_valid(corrected.{id}, 'bigint') then corrected.{id}::bigint end
    and other.object_id = q.object_id
    and other.object_id <> mine.object_id
    and (other.source, other.effective_at) = (mine.source, mine.effective_at)"""
    ).format(raw=part.raw_table, object_id=part.object_id, id=sql.Identifier(id_column))
