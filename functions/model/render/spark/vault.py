"""Spark SQL that moves staged rows to hubs, links and satellites: what functions/model/render/vault.py renders.

Each statement is a query whose rows the job appends to the table (functions/engine/spark_job.py). It reads the staged
rows of the objects that the table does not hold yet (spark/staging.py), the views `retracted` (object_id of those that
count no longer) and `object_position` (object_id, source, effective_at, position, is_snapshot: of all that count), and
takes the parameters `loaded_at` and `since`, the first effective instant of both.
"""

from functions.model.declaration import Model
from functions.model.render.hash_keys import staged_hashdiff, staged_key, staged_parent_key
from functions.model.render.spark.names import TRACKING, listed, literal, quoted, staged_view, vault_table
from functions.model.render.spark.staging import own_key

LOADED_AT = "cast(:loaded_at as timestamp)"
SINCE = "cast(:since as timestamp)"

FILES_LIMIT = 2**27
"""Object and row are compared as one number, in which there is room for so many objects ever."""
_ROW_BITS = 36
_PLACE = f"shiftleft(object_id, {_ROW_BITS}) + row_number"

_NAMED = """select {staged_keys}, min({place}) as place
from {staged}
group by all"""

_NAMED_IN_ONE_FILE = """select {staged_keys}, {place} as place
from {staged}
where is_first"""

# Of a large table only the keys that are named come as far as the comparison.
_KNOWN = "(select {key} from {table} where {key} in (select {key} from named))"

_FIRST_NAMED = """select {keys}, {loaded_at} as loaded_at, shiftright(place, {bits}) as record_source,
    place & {row_mask}L as record_row, 1 as hash_version
from named
where not exists (select 1 from {known} as h where h.{key} = named.{key})"""


def render_named(model: Model, name: str, source: str, *, is_one_file: bool) -> str:
    """What staged rows name, each key once, with the place of the first row that names it."""
    key, *others = _keys(model, name)
    staged = staged_parent_key(model, name)
    text = _NAMED_IN_ONE_FILE if is_one_file and staged == own_key(model, source) else _NAMED
    return text.format(
        staged_keys=f"{quoted(staged)} as {quoted(key)}, {listed(others)}", place=_PLACE, staged=staged_view(source)
    )


def render_first_named(model: Model, name: str, *, is_first: bool = False) -> str:
    """Of what is named, what the hub or link does not hold yet. `is_first`: it holds little, if anything."""
    keys = _keys(model, name)
    names = {"key": quoted(keys[0]), "table": vault_table(name)}
    return _FIRST_NAMED.format(
        keys=listed(keys),
        loaded_at=LOADED_AT,
        bits=_ROW_BITS,
        row_mask=2**_ROW_BITS - 1,
        known=vault_table(name) if is_first else _KNOWN.format(**names),
        key=names["key"],
    )


def _keys(model: Model, name: str) -> list[str]:
    """The columns that a row of hub or link is made of, its hash key first."""
    if name in model.hubs:
        return [model.hubs[name].hash_key, model.hubs[name].business_key]
    link = model.links[name]
    keys = ["link_hash_key", *(model.hubs[hub].hash_key for hub in link.hubs)]
    return keys if link.dependent_child_key is None else [*keys, link.dependent_child_key]


_AFFECTED = """select {staged_key} as hash_key from {staged}"""

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

_STATED = """select s.{staged_key} as hash_key, s.{staged_hashdiff} as hashdiff, p.effective_at, p.position,
        s.object_id, s.row_number, {staged_columns}2 as origin
    from {staged} as s
    join object_position as p on p.object_id = s.object_id
    where p.source = {source}{speaking}"""

_HISTORY = """
    union all
    select h.{key}, h.{hashdiff}, p.effective_at, p.position, h.record_source, h.record_row, {no_columns}0
    from {satellite} as h
    join object_position as p on p.object_id = h.record_source
    where h.{key} in (select hash_key from affected_key) and p.source = {source}{tracked}"""

# Of the rows of one object the last one speaks. An object's rows are either staged, or history of one kind.
_SEQUENCED = """with observed as (
    {observed}
), spoken as (
    select *, not (lead(object_id) over in_order <=> object_id) as is_last_of_object
    from observed
    window in_order as (partition by hash_key order by position, row_number, origin desc)
)
select *, not (lag(hashdiff) over in_order <=> hashdiff) as is_version
from spoken
where is_last_of_object
window in_order as (partition by hash_key order by position, row_number, origin desc)"""

# In a table that holds nothing yet, what one file says last of a key is its one version.
_ONLY = """with observed as (
    {observed}
)
select *, true as is_version
from observed"""

_ONLY_LAST = """with observed as (
    {observed}
), placed as (
    select *, row_number() over (partition by hash_key order by row_number desc) as place
    from observed
)
select *, true as is_version
from placed
where place = 1"""

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


def render_satellite_views(
    model: Model, name: str, *, is_late: bool, is_first: bool = False, is_one_file: bool = False
) -> dict[str, str]:
    """The views that the satellite's rows are read from, in order: which keys may change, and what is said of them.

    The observations of a key in the order of their files: staged rows (origin 2), remembered ones (1), versions (0);
    `is_version`: it differs from the one before it. As in PostgreSQL, nothing remembered is read unless one `is_late`,
    and nothing at all where the table holds nothing (`is_first`).
    """
    satellite = model.satellites[name]
    is_own = staged_key(model, satellite) == own_key(model, satellite.source)
    names = _names(model, name)
    parent = model.links.get(satellite.parent)
    is_numbered = parent is not None and parent.driving_key is not None
    speaking = " and not s.is_overruled" if is_numbered else ""
    if is_own:
        speaking += " and s.is_last"
    observed = _STATED.format(speaking=speaking, **names)
    if is_first and not is_late:
        if is_one_file:
            return {"sequenced": (_ONLY if is_own else _ONLY_LAST).format(observed=observed)}
        return {"sequenced": _SEQUENCED.format(observed=observed)}
    observed += _HISTORY.format(tracked=_TRACKED.format(**names) if is_late else "", **names)
    return {
        "affected_key": (_AFFECTED + (_AFFECTED_LATE if is_late else "")).format(**names),
        "sequenced": _SEQUENCED.format(observed=observed),
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
