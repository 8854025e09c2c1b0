"""Spark SQL that keeps a status satellite: what functions/model/render/status.py renders, with the same views.

Beside those of spark/vault.py it reads `claimed` (object_id of the objects whose rows are staged), `held` (vault_table,
object_id: what each table holds, with what this run has loaded into it) and `unread_key` (object_id, hash_key: rejected
rows of complete lists).
"""

from functions.model.declaration import Model, Satellite
from functions.model.render.hash_keys import staged_key
from functions.model.render.spark.hash_keys import line_key
from functions.model.render.spark.names import TRACKING, literal, quoted, staged_view, vault_table
from functions.model.render.spark.vault import LOADED_AT, SINCE
from functions.model.render.status import Reach, is_numbered

# The run's links are loaded before, so whatever is staged has its line there.
_LINES = """with contested as (
    {contested}
)
select {key} as hash_key, {group} as group_key, {line_key} as line_key, {child} is not null as is_numbered
from {link}
where {group} in (select group_key from contested)"""

_IN_SEVERAL_FILES = """select {group} as group_key
    from {staged}
    group by {group}
    having min(object_id) <> max(object_id)"""

_NO_GROUP = "select {group} as group_key from {staged} where false"

_CONTESTED: dict[Reach, str] = {
    "incomplete": """
    union
    select l.{group}
    from {link} as l
    where l.{group} in (select {group} from {staged})
        and not exists (
            select 1 from {staged} as s where s.{staged_key} = l.{key} and not s.is_overruled
        )
    union
    select l.{group}
    from {link} as l
    join {status} as d on d.{key} = l.{key}
    where l.{group} in (select {group} from {staged})""",
    "several": """
    union
    select l.{group}
    from {link} as l
    where not exists (select 1 from claimed as c where c.object_id = l.record_source)
        and l.{group} in (select {group} from {staged})
    union
    -- of what comes before a complete list
    select {group}
    from {staged}
    where exists (
        select 1 from object_position where source = {source} and is_snapshot and effective_at >= {since}
    )
    union
    select l.{group}
    from {link} as l
    where l.{key} in (
        select h.{key} from {tracked} as h where h.record_source in (select object_id from retracted)
        union all
        select t.hash_key
        from {tracking} as t
        where t.satellite = {tracked_name} and t.effective_at >= {since}
            and t.record_source in (select object_id from retracted)
    )""",
}

_EVERY_GROUP = "select {group} as group_key from {link}"

_KEYS = """select hash_key, hash_key as group_key, hash_key as line_key, true as is_numbered
from (
    select {staged_key} as hash_key from {staged}
    union
    {others}
) as key"""

_EVERY_KEY = "select h.{key} from {tracked} as h"

_KEYS_OF_RETRACTED = """select h.{key} from {tracked} as h where h.record_source in (select object_id from retracted)
    union
    select t.hash_key
    from {tracking} as t
    where t.satellite = {tracked_name} and t.effective_at >= {since}
        and t.record_source in (select object_id from retracted)"""

_COUNTED = """select p.object_id, p.position, p.effective_at, p.is_snapshot
from object_position as p
where p.source = {source} and p.effective_at >= {since}
    and p.object_id in (select object_id from held where vault_table = {tracked_name})"""

# the complete lists of one instant are one list; what other files said before it does not count
_LIST = """select effective_at, min(position) as position, max_by(object_id, position) as object_id
from counted
where is_snapshot
group by effective_at"""

_FIRST_OBSERVED = """select h.{key} as hash_key, min(h.effective_at) as effective_at
from {tracked} as h
join object_position as p on p.object_id = h.record_source
where h.{key} in (select hash_key from affected_key)
group by h.{key}"""

_PRESENT = """with observed as (
    select h.{key} as hash_key, c.effective_at, c.position, c.object_id, h.record_row
    from {tracked} as h
    join counted as c on c.object_id = h.record_source
    where h.{key} in (select hash_key from affected_key) and h.effective_at >= {since}
    union all
    select t.hash_key, c.effective_at, c.position, c.object_id, t.record_row
    from {tracking} as t
    join counted as c on c.object_id = t.record_source
    where t.satellite = {tracked_name} and t.effective_at >= {since}
        and t.hash_key in (select hash_key from affected_key)
), placed as (
    select a.hash_key, a.group_key, a.line_key, a.is_numbered, t.effective_at, t.position, t.object_id, t.record_row,
        row_number() over (
            partition by a.group_key, a.line_key, t.effective_at order by t.position desc, t.record_row desc
        ) as place
    from observed as t
    join affected_key as a on a.hash_key = t.hash_key
    left join list as l on l.effective_at = t.effective_at
    where l.position is null or t.position >= l.position
)
select hash_key, group_key, line_key, is_numbered, effective_at, position, object_id, record_row
from placed
where place = 1"""

# What is stated of a driving key ends what it does not name: all without a number, and of a number another link. Rows
# without a number end everything.
_UNSTATED = """
    union all
    select a.hash_key, i.effective_at, true, i.object_id, 0L
    from instant as i
    join affected_key as a on a.group_key = i.group_key
    join first_observed as f on f.hash_key = a.hash_key
    left join present as same
        on same.group_key = a.group_key and same.line_key = a.line_key and same.effective_at = i.effective_at
    where f.effective_at <= i.effective_at
        and not exists (
            select 1 from present as o where o.hash_key = a.hash_key and o.effective_at = i.effective_at
        )
        and not exists (select 1 from list as l where l.effective_at = i.effective_at)
        and (i.is_whole or not a.is_numbered or same.hash_key is not null)"""

_STATUS = """with instant as (
    select group_key, effective_at, bool_or(not is_numbered) as is_whole, max_by(object_id, position) as object_id
    from present
    group by group_key, effective_at
), said as (
    select hash_key, effective_at, false as is_deleted, object_id, record_row
    from present
    union all
    select a.hash_key, l.effective_at, true, l.object_id, 0L
    from list as l
    cross join affected_key as a
    join first_observed as f on f.hash_key = a.hash_key
    where f.effective_at <= l.effective_at
        and not exists (
            select 1 from present as o where o.hash_key = a.hash_key and o.effective_at = l.effective_at
        )
        and not exists (
            -- what cannot be read is not absent
            select 1
            from unread_key as u
            join counted as c on c.object_id = u.object_id
            where u.hash_key = a.group_key and c.is_snapshot and c.effective_at = l.effective_at
        ){unstated}
), placed as (
    select s.{key} as hash_key, s.effective_at, s.is_deleted, s.record_source, s.loaded_at,
        row_number() over (partition by s.{key}, s.effective_at order by s.loaded_at desc) as place
    from {status} as s
    where s.{key} in (select hash_key from affected_key)
), recorded as (
    select hash_key, effective_at, is_deleted, record_source, loaded_at from placed where place = 1
), before as (
    select hash_key, max_by(is_deleted, effective_at) as is_deleted
    from recorded
    where effective_at < {since}
    group by hash_key
), stated as (
    select coalesce(s.hash_key, r.hash_key) as hash_key, coalesce(s.effective_at, r.effective_at) as effective_at,
        s.is_deleted as said, r.is_deleted as recorded, r.loaded_at as recorded_at,
        coalesce(s.object_id, r.record_source) as object_id, coalesce(s.record_row, 0L) as record_row
    from said as s
    full join (select * from recorded where effective_at >= {since}) as r
        on r.hash_key = s.hash_key and r.effective_at = s.effective_at
), carried as (
    -- where nobody says anything (any more), what was said before goes on
    select *, count(said) over (partition by hash_key order by effective_at) as times_said
    from stated
), holding as (
    select c.*, coalesce(b.is_deleted, false) as at_first,
        coalesce(bool_or(c.said) over (partition by c.hash_key, c.times_said), b.is_deleted, false) as is_deleted
    from carried as c
    left join before as b on b.hash_key = c.hash_key
), sequenced as (
    select *, coalesce(lag(is_deleted) over (partition by hash_key order by effective_at), at_first) as previous
    from holding
)
select hash_key as {key}, effective_at, is_deleted,
    greatest({loaded_at}, recorded_at + interval '1' microsecond) as loaded_at, object_id as record_source, record_row,
    1 as hash_version
from sequenced
where is_deleted <> coalesce(recorded, previous)"""


def render_status_views(model: Model, name: str, reach: Reach, *, is_one_file: bool) -> dict[str, str]:
    """The views that the status is worked out from, in order, as PostgreSQL does for the same `reach`."""
    names = _names(model, name)
    if not is_numbered(model, name):
        others = _EVERY_KEY if reach == "everything" else _KEYS_OF_RETRACTED
        affected = _KEYS.format(others=others.format(**names), **names)
    else:
        in_several = _NO_GROUP if is_one_file else _IN_SEVERAL_FILES
        contested = _EVERY_GROUP if reach == "everything" else in_several + _CONTESTED[reach]
        affected = _LINES.format(contested=contested.format(**names), **names)
    return {
        "affected_key": affected,
        "counted": _COUNTED.format(**names),
        "list": _LIST,
        "first_observed": _FIRST_OBSERVED.format(**names),
        "present": _PRESENT.format(**names),
    }


def render_status(model: Model, name: str) -> str:
    """What changes in the status of the affected keys."""
    return _STATUS.format(unstated=_UNSTATED if is_numbered(model, name) else "", **_names(model, name))


def _names(model: Model, name: str) -> dict[str, str]:
    satellite = model.satellites[name]
    tracked: Satellite = model.satellites[satellite.status_of or ""]
    names = {
        "source": literal(satellite.source),
        "staged": staged_view(satellite.source),
        "staged_key": quoted(staged_key(model, tracked)),
        "tracked_name": literal(satellite.status_of or ""),
        "tracked": vault_table(satellite.status_of or ""),
        "tracking": vault_table(TRACKING),
        "status": vault_table(name),
        "key": quoted(model.satellite_key(satellite.status_of or "")),
        "loaded_at": LOADED_AT,
        "since": SINCE,
    }
    link = model.links.get(satellite.parent)
    if link is not None and link.driving_key is not None:
        names |= {
            "link": vault_table(satellite.parent),
            "group": quoted(model.hubs[link.driving_key].hash_key),
            "child": quoted(link.dependent_child_key or ""),
            "line_key": line_key(link.dependent_child_key or "", names["key"]),
        }
    return names
