"""Checks of staged rows: each source is read once, and every rule counts in that one pass."""

from collections.abc import Iterable, Mapping

from psycopg import errors as pg
from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import ModelError
from functions.model.declaration import Model
from functions.model.render.checks import (
    render_disagreements,
    render_row_counts,
    render_undescribed_keys,
    row_rules,
)
from functions.quality.results import CheckResult


def check_rows(connection: Connection, model: Model, source: str, object_ids: list[int]) -> list[CheckResult]:
    """Nulls, accepted values, ranges, patterns and expressions; repeated keys; keys that no file has described.

    An empty value is for the nulls to count, and meets every other rule. First comes whether all rows are there. Raises
    ModelError when PostgreSQL does not take a pattern.
    """
    rules = row_rules(model, source)
    staged = _count(connection, source, rules.values(), object_ids)
    rows = sum(counts[0] for counts in staged.values())
    results = [_rows_staged(connection, source, object_ids, {key: counts[0] for key, counts in staged.items()})]
    results += [
        _counted(model, source, name, sum(counts[position] for counts in staged.values()), rows, "rows")
        for position, name in enumerate(rules, 1)
    ]
    if rows:
        results += _repeated(connection, model, source, object_ids, rows)
        results += _disagreements(connection, model, source, object_ids)
        results += _references(connection, model, source, object_ids)
    return results


def _count(
    connection: Connection, source: str, bad: Iterable[sql.Composable], object_ids: list[int]
) -> dict[int, tuple[int, ...]]:
    """Object -> its rows, and how many of them meet each condition."""
    statement = render_row_counts(source, bad)
    try:
        return {row[0]: row[1:] for row in connection.execute(statement, {"object_ids": object_ids})}
    except pg.InvalidRegularExpression as error:
        raise ModelError("no pattern to PostgreSQL", source=source, reason=error.diag.message_primary) from None


def _rows_staged(connection: Connection, source: str, object_ids: list[int], staged: Mapping[int, int]) -> CheckResult:
    """Whether staging, which PostgreSQL empties when it crashes, still holds what was staged."""
    known = connection.execute(
        "select object_id, rows_read - rows_quarantined from metadata.object_version"
        " where object_id = any(%s) and source = %s order by object_id",
        (object_ids, source),
    )
    wrong = [object_id for object_id, rows in known if staged.get(object_id, 0) != rows]
    observed = f"objects with rows missing: {wrong}"
    if wrong:
        observed += (
            " (PostgreSQL ended and lost what was staged, as when its disk is full; the next run stages it again)"
        )
    return CheckResult(f"{source}.rows_staged", "error", not wrong, observed, source, len(wrong), "0")


def _counted(model: Model, source: str, name: str, count: int, of: int, what: str) -> CheckResult:
    rule = model.quality.rule(name)
    return CheckResult(
        name, rule.severity, rule.limit.allows(count, of), f"{count} of {of} {what}", source, count, str(rule.limit)
    )


def _repeated(connection: Connection, model: Model, source: str, object_ids: list[int], rows: int) -> list[CheckResult]:
    """Rows that a later row of their file repeats, and those among them that it contradicts."""
    row = connection.execute(
        "select coalesce(sum(rows_duplicate), 0)::bigint, coalesce(sum(rows_overruled), 0)::bigint,"
        " array_agg(object_key order by object_key) filter (where rows_overruled > 0)"
        " from metadata.object_version where object_id = any(%s) and source = %s",
        (object_ids, source),
    ).fetchone()
    repeated, overruled, keys = row or (0, 0, None)
    what = "rows are overruled by a later row of their file with the same key"
    if keys:
        what += f": {', '.join(keys[:3])}"
    return [
        _counted(model, source, f"{source}.unique", repeated, rows, "rows repeat a key of their file"),
        _counted(model, source, f"{source}.overruled", overruled, rows, what),
    ]


def _disagreements(connection: Connection, model: Model, source: str, object_ids: list[int]) -> list[CheckResult]:
    """Keys of which the rows of one instant say different things, as the lines of an order may of its customer."""
    results = []
    for name, hub in model.hubs.items():
        if model.satellites_across_rows(source, name):
            statement = render_disagreements(model, source, name)
            count, of, keys = connection.execute(statement, {"object_ids": object_ids}).fetchone() or (0, 0, [])
            what = f"keys whose rows disagree, the last row counts{': ' if keys else ''}{', '.join(keys)}"
            results.append(_counted(model, source, f"{source}.{hub.business_key}.agreement", count, of, what))
    return results


def _references(connection: Connection, model: Model, source: str, object_ids: list[int]) -> list[CheckResult]:
    """Keys that this run's rows name, and that neither the vault nor this run's own files describe."""
    results = []
    for column in model.references(source):
        statement = render_undescribed_keys(model, source, column)
        unknown, named = connection.execute(statement, {"object_ids": object_ids}).fetchone() or (0, 0)
        results.append(
            _counted(model, source, f"{source}.{column}.references", unknown, named, "keys that no file has described")
        )
    return results
