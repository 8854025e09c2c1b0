"""Spark SQL that moves staged rows to hubs, links and satellites: what functions/model/render/vault.py renders.

Each statement is a query whose rows the job appends to the table (functions/engine/spark_job.py). It reads the views
`claimed` (object_id of the objects that the table does not hold yet), `retracted` (object_id of those that count no
longer), `object_position` (object_id, source, effective_at, position, is_snapshot: of all that count), and takes the
parameters `loaded_at` and `since`, the first effective instant of both.
"""

from functions.model.declaration import Model
from functions.model.render.hash_keys import staged_hashdiff, staged_key, staged_parent_key
from functions.model.render.spark.names import TRACKING, listed, literal, quoted, staged_view, vault_table

LOADED_AT = "cast(:loaded_at as timestamp)"
SINCE = "cast(:since as timestamp)"

_FIRST_NAMED = """select {keys}, {loaded_at} as loaded_at, first.object_id as record_source,
    first.row_number as record_row, 1 as hash_version
from (
    select {staged_keys}, min(struct(object_id, row_number)) as first
    from {staged}
    where object_id in (select object_id from claimed)
    group by all
) as named
where not exists (select 1 from {table} as h where h.{key} = named.{key})"""


def render_hub(model: Model, name: str, source: str) -> str:
    """Business keys of one source that the hub does not hold yet, each with the first row that names it."""
    hub = model.hubs[name]
    keys = listed([hub.hash_key, hub.business_key])
    return _FIRST_NAMED.format(
        keys=keys,
        staged_keys=keys,
        loaded_at=LOADED_AT,
        staged=staged_view(source),
        table=vault_table(name),
        key=quoted(hub.hash_key),
    )


def render_link(model: Model, name: str) -> str:
    """Combinations of keys that the link does not hold yet, each with the first row that names it."""
    link = model.links[name]
    others = [model.hubs[hub].hash_key for hub in link.hubs]
    if link.dependent_child_key is not None:
        others.append(link.dependent_child_key)
    return _FIRST_NAMED.format(
        keys=listed(["link_hash_key", *others]),
        staged_keys=f"{quoted(staged_parent_key(model, name))} as link_hash_key, {listed(others)}",
        loaded_at=LOADED_AT,
        staged=staged_view(link.source),
        table=vault_table(name),
        key="link_hash_key",
    )


_AFFECTED = """select {staged_key} as hash_key from {staged} where object_id in (select object_id from claimed)"""

_AFFECTED_LATE = """
union
select r.{key} from {satellite} as r where r.record_source in (select object_id from retracted)
union
select r.hash_key
from {tracking} as r
where r.satellite = {name} and r.effective_at >= {since} and r.record_source in (select object_id from retracted)"""

_TRACKED = """
    union all
    select t.hash_key, t.hashdiff, p.effective_at, p.position, t.record_source, t.record_row, {no_columns}1
    from {tracking} as t
    join object_position as p on p.object_id = t.record_source
    where t.satellite = {name} and t.effective_at >= {since} and p.source = {source}
        and t.hash_key in (select hash_key from affected_key)"""

# Of the rows of one object the last one speaks. An object's rows are either staged, or history of one kind.
_SEQUENCED = """with observed as (
    select s.{staged_key} as hash_key, s.{staged_hashdiff} as hashdiff, p.effective_at, p.position, s.object_id,
        s.row_number, {staged_columns}2 as origin
    from {staged} as s
    join object_position as p on p.object_id = s.object_id
    where s.object_id in (select object_id from claimed) and p.source = {source}{not_overruled}
    union all
    select h.{key}, h.{hashdiff}, p.effective_at, p.position, h.record_source, h.record_row, {no_columns}0
    from {satellite} as h
    join object_position as p on p.object_id = h.record_source
    where h.{key} in (select hash_key from affected_key) and p.source = {source}{tracked}
), spoken as (
    select *, not (lead(object_id) over in_order <=> object_id) as is_last_of_object
    from observed
    window in_order as (partition by hash_key order by position, row_number, origin desc)
)
select *, not (lag(hashdiff) over in_order <=> hashdiff) as is_version
from spoken
where is_last_of_object
window in_order as (partition by hash_key order by position, row_number, origin desc)"""

_REMEMBERED = """select {name} as satellite, hash_key, effective_at, hashdiff, {loaded_at} as loaded_at,
    object_id as record_source, row_number as record_row
from sequenced
where origin = 2 and not is_version"""

_VERSIONS = """select hash_key as {key}, effective_at, {payload}, {loaded_at} as loaded_at,
    object_id as record_source, row_number as record_row, 1 as hash_version
from sequenced
where origin = 2 and is_version"""

_REINSTATED = """
union all
select t.hash_key, t.effective_at, {reinstated_payload}, {loaded_at}, t.object_id, t.row_number, 1
from sequenced as t
join (
    select {key}, {hashdiff}, any_value({known_payload}) as known
    from {satellite}
    where {key} in (select hash_key from sequenced where origin = 1 and is_version)
    group by {key}, {hashdiff}
) as h on h.{key} = t.hash_key and h.{hashdiff} = t.hashdiff
where t.origin = 1 and t.is_version"""


def render_satellite_views(model: Model, name: str, *, is_late: bool) -> dict[str, str]:
    """The views that the satellite's rows are read from, in order: which keys may change, and what is said of them.

    The observations of a key in the order of their files: staged rows (origin 2), remembered ones (1), versions (0);
    `is_version`: it differs from the one before it. As in PostgreSQL, nothing remembered is read unless one `is_late`.
    """
    names = _names(model, name)
    parent = model.links.get(model.satellites[name].parent)
    is_numbered = parent is not None and parent.driving_key is not None
    return {
        "affected_key": (_AFFECTED + (_AFFECTED_LATE if is_late else "")).format(**names),
        "sequenced": _SEQUENCED.format(
            tracked=_TRACKED.format(**names) if is_late else "",
            not_overruled=" and not s.is_overruled" if is_numbered else "",
            **names,
        ),
    }


def render_remembered(name: str) -> str:
    """What record tracking adds: staged rows that equal the observation just before them."""
    return _REMEMBERED.format(name=literal(name), loaded_at=LOADED_AT)


def render_satellite(model: Model, name: str, *, is_late: bool) -> str:
    """Staged rows that differ from the observation before them, and remembered ones that now do."""
    return (_VERSIONS + (_REINSTATED if is_late else "")).format(**_names(model, name))


def _names(model: Model, name: str) -> dict[str, str]:
    satellite = model.satellites[name]
    hashdiff = "hashdiff" if satellite.driving_key is None else "link_hash_key"
    columns = list(satellite.columns)
    return {
        "name": literal(name),
        "source": literal(satellite.source),
        "staged": staged_view(satellite.source),
        "staged_key": quoted(staged_key(model, satellite)),
        "staged_hashdiff": quoted(staged_hashdiff(name, satellite)),
        "staged_columns": "".join(f"s.{quoted(each)}, " for each in columns),
        "no_columns": "null, " * len(columns),
        "satellite": vault_table(name),
        "tracking": vault_table(TRACKING),
        "key": quoted(model.satellite_key(name)),
        "hashdiff": hashdiff,
        "payload": ", ".join([f"hashdiff as {hashdiff}", *map(quoted, columns)]),
        "reinstated_payload": ", ".join(["t.hashdiff", *(f"h.known.{quoted(each)}" for each in columns)]),
        "known_payload": f"struct({listed(columns)})" if columns else "true",
        "loaded_at": LOADED_AT,
        "since": SINCE,
    }
