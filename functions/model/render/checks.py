"""Statements that count what is wrong with staged rows and with the vault. Rendered from the model.

Parameter: `object_ids` (an array), where nothing else is said.
"""

from collections.abc import Iterable

from psycopg import sql

from functions.model.check_expression import render_expression
from functions.model.column_checks import bound, has_check
from functions.model.declaration import Column, Model
from functions.model.render.hash_keys import ZERO_KEY, key_form, staged_hashdiff, staged_parent_key


def row_rules(model: Model, source: str) -> dict[str, sql.Composable]:
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
        conditions["accepted"] = sql.SQL("{} <> all({})").format(identifier, _literal([*column.accepted]))
    if has_check(column, "range"):
        sides = (("<", column.minimum), (">", column.maximum))
        conditions["range"] = sql.SQL(" or ").join(
            sql.SQL("{} {} {}").format(identifier, sql.SQL(operator), sql.Literal(bound(value, column.type)))
            for operator, value in sides
            if value is not None
        )
    if column.pattern is not None:
        conditions["pattern"] = sql.SQL("{} !~ {}").format(identifier, _literal(f"^(?:{column.pattern})$"))
    return conditions


def _literal(value: str | list[str]) -> sql.Composable:
    """Text of the model in a statement that is run with parameters, which read %% as a percent sign."""
    return sql.SQL(sql.Literal(value).as_string().replace("%", "%%"))


def render_row_counts(source: str, conditions: Iterable[sql.Composable]) -> sql.Composed:
    """For each object: its staged rows, and how many of them meet each condition."""
    counts = [sql.SQL("count(*)"), *(sql.SQL("count(*) filter (where {})").format(each) for each in conditions)]
    return sql.SQL("select object_id, {} from {} where object_id = any(%(object_ids)s) group by object_id").format(
        sql.SQL(", ").join(counts), sql.Identifier("staging", source)
    )


def render_disagreements(model: Model, source: str, hub: str) -> sql.Composed:
    """Keys of a hub whose rows of one instant say different things of them: how many, of how many, and three of them.

    Only where a row also describes something below the hub (the line of an order).
    """
    key = model.hubs[hub].hash_key
    said = [
        sql.SQL("min(encode({0}, 'hex') collate \"C\") <> max(encode({0}, 'hex') collate \"C\")").format(
            sql.Identifier("s", staged_hashdiff(name, satellite))
        )
        for name, satellite in model.satellites_across_rows(source, hub).items()
    ]
    return sql.SQL(
        """with named as (
    select {key}, count(*) as rows
    from {staging}
    where object_id = any(%(object_ids)s)
    group by {key}
), disagreeing as (
    select min(s.{business_key}) as business_key
    from {staging} as s
    join metadata.object_version as o using (object_id)
    where s.object_id = any(%(object_ids)s) and s.{key} in (select {key} from named where rows > 1)
    group by s.{key}, o.effective_at
    having {said}
)
select
    (select count(distinct business_key) from disagreeing),
    (select count(*) from named),
    array(select distinct business_key from disagreeing order by 1 limit 3)"""
    ).format(
        key=sql.Identifier(key),
        business_key=sql.Identifier(model.hubs[hub].business_key),
        staging=sql.Identifier("staging", source),
        said=sql.SQL(" or ").join(said),
    )


def render_variant_keys(model: Model, hub: str) -> sql.Composed:
    """Of a hub's keys from these objects: how many have the form of another key, of how many, and three pairs."""
    key = sql.Identifier(model.hubs[hub].business_key)
    return sql.SQL(
        """with fresh as materialized (
    select {key}, {form} as form
    from {hub}
    where record_source = any(%(object_ids)s) and {key} is not null
), pairs as (
    select f.{key} as key, min(other.{key}) as other
    from fresh as f
    join {hub} as other on {other_form} = f.form and other.{key} <> f.{key}
    group by f.{key}
)
select (select count(*) from pairs), (select count(*) from fresh),
    array(select array[key, other] from pairs order by 1 limit 3)"""
    ).format(
        key=key,
        form=key_form(key),
        other_form=key_form(sql.SQL("other.{}").format(key)),
        hub=sql.Identifier("raw_vault", hub),
    )


def render_undescribed_keys(model: Model, source: str, column: str) -> sql.Composed:
    """How many keys in `column` neither the vault nor this run's own files describe, and how many keys there are."""
    hub, satellites = model.references(source)[column]
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
    return sql.SQL(
        """with named as materialized (
    select distinct {key} from {staging} where object_id = any(%(object_ids)s)
)
select (select count(*) from named where {key} <> {zero} and {described}), count(*)
from named
where {key} <> {zero}"""
    ).format(
        described=sql.SQL(" and ").join(described),
        key=key,
        staging=sql.Identifier("staging", source),
        zero=ZERO_KEY,
    )


def render_orphans(model: Model, source: str, parent: str) -> sql.Composed:
    """How many staged rows have a hash key that the hub or link `parent` lacks."""
    return sql.SQL(
        """select count(*)
from {staging} as s
where s.object_id = any(%(object_ids)s)
    and not exists (select from {parent} as p where p.{key} = s.{staged})"""
    ).format(
        staging=sql.Identifier("staging", source),
        parent=sql.Identifier("raw_vault", parent),
        key=sql.Identifier(model.hash_key(parent)),
        staged=sql.Identifier(staged_parent_key(model, parent)),
    )


def render_has_zero_key(model: Model, hub: str) -> sql.Composed:
    """Whether the hub has its zero key. No parameters."""
    return sql.SQL("select exists (select from {} where {} = {})").format(
        sql.Identifier("raw_vault", hub), sql.Identifier(model.hubs[hub].hash_key), ZERO_KEY
    )
