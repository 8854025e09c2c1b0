"""Checks of staged rows: each source is read once, and every rule counts in that one pass."""

from collections.abc import Iterable, Mapping

from psycopg import errors as pg
from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import ModelError
from functions.model.check_expression import render_expression
from functions.model.column_checks import bound, has_check
from functions.model.declaration import Column, Model
from functions.model.row_expressions import ZERO_KEY, staged_parent_key
from functions.quality.results import CheckResult


def check_rows(connection: Connection, model: Model, source: str, object_ids: list[int]) -> list[CheckResult]:
    """Nulls, accepted values, ranges, patterns and expressions; repeated keys; keys that nobody has described.

    An empty value is for the nulls to count, and meets every other rule. First comes whether all rows are there. Raises
    ModelError when PostgreSQL does not take a pattern.
    """
    rules = _row_rules(model, source)
    staged = _count(connection, source, rules.values(), object_ids)
    rows = sum(counts[0] for counts in staged.values())
    results = [_rows_staged(connection, source, object_ids, {key: counts[0] for key, counts in staged.items()})]
    results += [
        _counted(model, source, name, sum(counts[position] for counts in staged.values()), rows, "rows")
        for position, name in enumerate(rules, 1)
    ]
    if rows:
        results.append(_unique(connection, model, source, object_ids, rows))
        results += _references(connection, model, source, object_ids)
    return results


def _count(
    connection: Connection, source: str, bad: Iterable[sql.Composable], object_ids: list[int]
) -> dict[int, tuple[int, ...]]:
    """Object -> its rows, and how many of them meet each condition."""
    statement = sql.SQL("select object_id, {} from {} where object_id = any(%s) group by object_id").format(
        sql.SQL(", ").join(
            [sql.SQL("count(*)"), *(sql.SQL("count(*) filter (where {})").format(condition) for condition in bad)]
        ),
        sql.Identifier("staging", source),
    )
    try:
        return {row[0]: row[1:] for row in connection.execute(statement, (object_ids,))}
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
    return CheckResult(f"{source}.rows_staged", "error", not wrong, observed, source, len(wrong), "0")


def _counted(model: Model, source: str, name: str, count: int, of: int, what: str) -> CheckResult:
    rule = model.quality.rule(name)
    return CheckResult(
        name, rule.severity, rule.limit.allows(count, of), f"{count} of {of} {what}", source, count, str(rule.limit)
    )


def _row_rules(model: Model, source: str) -> dict[str, sql.Composable]:
    """Rule -> the condition that a bad row meets."""
    columns = model.sources[source].columns
    rules = {}
    for name, column in columns.items():
        for kind, condition in _column_conditions(name, column).items():
            rules[f"{source}.{name}.{kind}"] = condition
    types = {name: str(column.type) for name, column in columns.items()}
    for name, text in model.quality.expressions.get(source, {}).items():
        rules[f"{source}.{name}.expression"] = sql.SQL("not ({})").format(render_expression(text, types))
    return rules


def _column_conditions(name: str, column: Column) -> dict[str, sql.Composable]:
    identifier = sql.Identifier(name)
    conditions: dict[str, sql.Composable] = {}
    if has_check(column, "nulls"):
        conditions["nulls"] = sql.SQL("{} is null").format(identifier)
    if has_check(column, "accepted"):
        conditions["accepted"] = sql.SQL("{} <> all({})").format(identifier, sql.Literal(list(column.accepted)))
    if has_check(column, "range"):
        sides = (("<", column.minimum), (">", column.maximum))
        conditions["range"] = sql.SQL(" or ").join(
            sql.SQL("{} {} {}").format(identifier, sql.SQL(operator), sql.Literal(bound(value, column.type)))
            for operator, value in sides
            if value is not None
        )
    if column.pattern is not None:
        conditions["pattern"] = sql.SQL("{} !~ {}").format(identifier, sql.Literal(f"^(?:{column.pattern})$"))
    return conditions


def _key(model: Model, source: str) -> str:
    """The staging column that tells the things apart that a source describes: its finest satellite's parent."""
    satellites = model.satellites_of(source).values()
    parents = {each.parent for each in satellites if each.driving_key is None} or {each.parent for each in satellites}
    finest = max(sorted(parents), key=lambda parent: len(model.links[parent].hubs) if parent in model.links else 0)
    return staged_parent_key(model, finest)


def _unique(connection: Connection, model: Model, source: str, object_ids: list[int], rows: int) -> CheckResult:
    row = connection.execute(
        sql.SQL(
            "select coalesce(sum(times - 1), 0)::bigint"
            " from (select count(*) as times from {} where object_id = any(%s) group by object_id, {}"
            " having count(*) > 1) as repeated"
        ).format(sql.Identifier("staging", source), sql.Identifier(_key(model, source))),
        (object_ids,),
    ).fetchone()
    return _counted(model, source, f"{source}.unique", row[0] if row else 0, rows, "rows repeat a key of their file")


def _references(connection: Connection, model: Model, source: str, object_ids: list[int]) -> list[CheckResult]:
    """Keys that this run's rows name, and that neither the vault nor this run's own files describe."""
    results = []
    for column, (hub, satellites) in model.references(source).items():
        key = sql.Identifier(model.hubs[hub].hash_key)
        described = []
        for name, satellite in satellites.items():
            described += [
                sql.SQL("not exists (select from {} as d where d.{key} = named.{key})").format(
                    sql.Identifier("raw_vault", name), key=key
                ),
                sql.SQL(
                    "not exists (select from {} as d where d.{key} = named.{key} and d.object_id = any(%(object_ids)s))"
                ).format(sql.Identifier("staging", satellite.source), key=key),
            ]
        row = connection.execute(
            sql.SQL(
                "with named as materialized ("
                "select distinct {key} from {staging} where object_id = any(%(object_ids)s))"
                " select (select count(*) from named where {key} <> {zero} and {described}), count(*)"
                " from named where {key} <> {zero}"
            ).format(
                described=sql.SQL(" and ").join(described),
                key=key,
                staging=sql.Identifier("staging", source),
                zero=ZERO_KEY,
            ),
            {"object_ids": object_ids},
        ).fetchone()
        unknown, named = row or (0, 0)
        results.append(
            _counted(model, source, f"{source}.{column}.references", unknown, named, "keys that no file has described")
        )
    return results
