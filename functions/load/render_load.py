"""Statements that move rows: text to staging, staging to hubs, links and satellites. Rendered from the model.

Parameters of the statements: `object_id` (staging), `object_ids` (an array) and `loaded_at` (the vault).
"""

from psycopg import sql

from functions.load.expressions import digest, key_of, rules, staged_hashdiff, staged_key, staged_parent_key, typed
from functions.load.model import Model
from functions.load.render_ddl import satellite_key

RAW_TABLE = sql.Identifier("raw_rows")


def _identifiers(names: list[str], table: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) if table else sql.Identifier(name) for name in names)


def render_raw_table(model: Model, source: str, unknown_columns: list[str]) -> sql.Composed:
    """The temporary table that a file of `source` is copied into: text, with the number of each row."""
    columns = [*model.sources[source].columns, *unknown_columns]
    return sql.SQL(
        "create temp table {} (row_number bigint generated always as identity (cache 1000), {}) on commit drop"
    ).format(RAW_TABLE, sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in columns))


def render_copy(columns: list[str]) -> sql.Composed:
    """COPY of the file's columns, in the file's order; an empty value is NULL, quoted or not."""
    names = _identifiers(columns)
    return sql.SQL("copy {} ({}) from stdin (format csv, encoding 'UTF8', force_null ({}))").format(
        RAW_TABLE, names, names
    )


def render_stage(model: Model, source: str) -> sql.Composed:
    """Valid rows of the raw table to staging, typed and hashed; the others to quarantine with all their reasons."""
    columns = model.sources[source].columns
    targets = ["object_id", "row_number", *columns]
    values: list[sql.Composable] = [sql.SQL("%(object_id)s"), sql.Identifier("row_number")]
    values += [sql.Identifier(name) for name in columns]
    for staged, parent in model.hashes(source).items():
        targets.append(staged)
        values.append(key_of(model, parent, columns))
    for name, satellite in model.satellites_of(source).items():
        if satellite.driving_key is None:
            targets.append(staged_hashdiff(name, satellite))
            values.append(digest(satellite.columns, columns))
    completed = [
        sql.SQL("coalesce({0}, {1}) as {0}").format(sql.Identifier(name), column.default)
        if column.default is not None
        else sql.Identifier(name)
        for name, column in columns.items()
    ]
    return sql.SQL(
        """with completed as (
    select row_number, {completed}
    from {raw}
), judged as materialized (
    select *, {is_valid} as is_valid
    from completed
), rejected as (
    insert into metadata.quarantine (object_id, row_number, raw, reasons)
    select %(object_id)s, row_number, to_jsonb(judged) - 'row_number' - 'is_valid', array_remove(array[
        {reasons}
    ], null)
    from judged
    where not is_valid
)
insert into {staging} ({targets})
select {values}
from (
    select row_number, {typed}
    from judged
    where is_valid
    offset 0  -- keeps this a step of its own, so that each value is parsed once
) as typed"""
    ).format(
        completed=sql.SQL(", ").join(completed),
        raw=RAW_TABLE,
        is_valid=sql.SQL(" and ").join(rules(model, source).values()),
        reasons=sql.SQL(",\n        ").join(
            sql.SQL("case when not {} then {} end").format(condition, rule)
            for rule, condition in rules(model, source).items()
        ),
        staging=sql.Identifier("staging", source),
        typed=sql.SQL(", ").join(
            sql.SQL("{} as {}").format(typed(name, column), sql.Identifier(name)) for name, column in columns.items()
        ),
        targets=_identifiers(targets),
        values=sql.SQL(",\n    ").join(values),
    )


def render_hub(model: Model, name: str, source: str) -> sql.Composed:
    """Business keys of one source that the hub does not hold yet, each with the first row that names it."""
    hub = model.hubs[name]
    keys = _identifiers([hub.hash_key, hub.business_key])
    return sql.SQL(
        """insert into {hub} ({keys}, loaded_at, record_source, record_row)
select distinct on ({hash_key}) {keys}, %(loaded_at)s, object_id, row_number
from {staging} as named
where object_id = any(%(object_ids)s)
    and not exists (select from {hub} as held where held.{hash_key} = named.{hash_key})
order by {hash_key}, object_id, row_number"""
    ).format(
        hub=sql.Identifier("raw_vault", name),
        keys=keys,
        hash_key=sql.Identifier(hub.hash_key),
        staging=sql.Identifier("staging", source),
    )


def render_link(model: Model, name: str) -> sql.Composed:
    """Combinations of keys that the link does not hold yet, each with the first row that names it."""
    link = model.links[name]
    staged = staged_parent_key(model, name)
    others = [model.hubs[hub].hash_key for hub in link.hubs]
    if link.dependent_child_key is not None:
        others.append(link.dependent_child_key)
    return sql.SQL(
        """insert into {link} (link_hash_key, {others}, loaded_at, record_source, record_row)
select distinct on ({staged}) {staged}, {others}, %(loaded_at)s, object_id, row_number
from {staging} as named
where object_id = any(%(object_ids)s)
    and not exists (select from {link} as held where held.link_hash_key = named.{staged})
order by {staged}, object_id, row_number"""
    ).format(
        link=sql.Identifier("raw_vault", name),
        others=_identifiers(others),
        staged=sql.Identifier(staged),
        staging=sql.Identifier("staging", link.source),
    )


def render_satellite(model: Model, name: str) -> sql.Composed:
    """Rows whose payload differs from the version in force just before them.

    The versions of one key are ordered by effective instant, then object key, then object version, then row: what
    metadata.object_position says. Existing versions of the keys at hand take part, so that order of arrival does not.
    The caller holds the table's lock, so nobody else inserts. A version that is there already stands just before its
    staged row and makes it insert nothing, so loading again is harmless.
    """
    satellite = model.satellites[name]
    key = satellite_key(model, satellite)
    hashdiff = "hashdiff" if satellite.driving_key is None else "link_hash_key"
    staged_payload = [staged_hashdiff(name, satellite), *satellite.columns]
    payload = [hashdiff, *satellite.columns]
    return sql.SQL(
        """with batch as (
    select s.{staged_key} as hash_key, s.{staged_hashdiff} as hashdiff, p.position, s.row_number,
        p.effective_at, s.object_id, {staged_columns}
    from {staging} as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s)
), observed as (
    select batch.*, true as is_new
    from batch
    union all
    select h.{key}, h.{hashdiff}, p.position, h.record_row, h.effective_at, h.record_source, {held_columns}, false
    from {satellite} as h
    join metadata.object_position as p on p.object_id = h.record_source
    where h.{key} in (select hash_key from batch)
), sequenced as (
    select *, lag(hashdiff) over (partition by hash_key order by position, row_number, is_new) as previous
    from observed
)
insert into {satellite} ({key}, effective_at, {payload}, loaded_at, record_source, record_row)
select hash_key, effective_at, {sequenced_payload}, %(loaded_at)s, object_id, row_number
from sequenced
where is_new and hashdiff is distinct from previous
order by hash_key"""
    ).format(
        staged_key=sql.Identifier(staged_key(model, satellite)),
        staged_hashdiff=sql.Identifier(staged_payload[0]),
        staged_columns=_identifiers(list(satellite.columns), "s") if satellite.columns else sql.SQL("null as nothing"),
        staging=sql.Identifier("staging", satellite.source),
        key=sql.Identifier(key),
        hashdiff=sql.Identifier(hashdiff),
        held_columns=_identifiers(list(satellite.columns), "h") if satellite.columns else sql.SQL("null"),
        satellite=sql.Identifier("raw_vault", name),
        payload=_identifiers(payload),
        sequenced_payload=_identifiers(["hashdiff", *satellite.columns]),
    )
