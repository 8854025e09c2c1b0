"""Statements that keep a status satellite: from when to when a key was deleted. Rendered from the model.

What is deleted at an instant follows from all that the files of that instant said, so it is computed again whenever
one more of them is known, or one less: a row of the satellite says what holds from its instant on, as known from its
`loaded_at` on, and of several rows of one instant the one that was known last is right.

Parameters: `object_ids` and `retracted` (arrays), `since`, the first effective instant of both, `loaded_at`, and the
range of keys, `low` and `high`.
"""

from typing import Literal

from psycopg import sql

from functions.model.declaration import Model, Satellite
from functions.model.render.hash_keys import staged_key
from functions.model.render.vault import keys_in_range

type Reach = Literal["incomplete", "several", "everything"]
"""Whose status may change: driving keys of which new rows leave something out; those that several files state; all."""

# A link that a run has loaded may not be committed yet while its satellite is; then its rows are still in staging.
_LINES = """create temp table affected_key on commit drop as
with contested as materialized (
    {contested}
), line as (
    select {staged_key} as hash_key, {group} as group_key, {child} as number from {staging}
    union
    select {key}, {group}, {child} from {link}
)
select hash_key, group_key, coalesce(convert_to(number::text, 'UTF8'), hash_key) as line_key,
    number is not null as is_numbered
from line
where group_key in (select group_key from contested){in_range}"""

_IN_SEVERAL_FILES = """select {group} as group_key
    from {staging}
    where object_id = any(%(object_ids)s) and cardinality(%(object_ids)s) > 1
    group by {group}
    having min(object_id) <> max(object_id)"""

_CONTESTED: dict[Reach, str] = {
    "incomplete": """
    union
    select l.{group}
    from {link} as l
    where l.{group} in (select {group} from {staging} where object_id = any(%(object_ids)s))
        and not exists (
            select
            from {staging} as s
            left join metadata.repeated_row as r using (object_id, row_number)
            where s.object_id = any(%(object_ids)s) and s.{staged_key} = l.{key} and r.is_overruled is not true
        )
    union
    select l.{group}
    from {link} as l
    join {status} as d using ({key})
    where l.{group} in (select {group} from {staging} where object_id = any(%(object_ids)s))""",
    "several": """
    union
    select l.{group}
    from {link} as l
    where l.record_source <> all(%(object_ids)s)
        and l.{group} in (select {group} from {staging} where object_id = any(%(object_ids)s))
    union
    -- of what comes before a complete list
    select {group}
    from {staging}
    where object_id = any(%(object_ids)s) and exists (
        select from metadata.object_version where source = {source} and is_snapshot and effective_at >= %(since)s
    )
    union
    select l.{group}
    from {link} as l
    where l.{key} in (
        select h.{key} from {tracked} as h where h.record_source = any(%(retracted)s)
        union all
        select t.hash_key
        from raw_vault.record_tracking_satellite as t
        where t.satellite = {tracked_name} and t.effective_at >= %(since)s and t.record_source = any(%(retracted)s)
    )""",
}

_KEYS = """create temp table affected_key on commit drop as
select hash_key, hash_key as group_key, hash_key as line_key, true as is_numbered
from (
    select {staged_key} as hash_key from {staging} where object_id = any(%(object_ids)s)
    union
    {others}
) as key{in_range}"""

_KEYS_OF_RETRACTED = """select h.{key} from {tracked} as h where h.record_source = any(%(retracted)s)
    union
    select t.hash_key
    from raw_vault.record_tracking_satellite as t
    where t.satellite = {tracked_name} and t.effective_at >= %(since)s and t.record_source = any(%(retracted)s)"""

# What is stated of a driving key ends what it does not name: all without a number, and of a number another link. Rows
# without a number end everything.
_UNSTATED = """
    union all
    select a.hash_key, i.effective_at, true, i.object_id, 0
    from instant as i
    join affected_key as a using (group_key)
    join first_observed as f using (hash_key)
    left join present as same
        on (same.group_key, same.line_key, same.effective_at) = (a.group_key, a.line_key, i.effective_at)
    where f.effective_at <= i.effective_at
        and not exists (select from present as o where (o.hash_key, o.effective_at) = (a.hash_key, i.effective_at))
        and not exists (select from list as l where l.effective_at = i.effective_at)
        and (i.is_whole or not a.is_numbered or same.hash_key is not null)"""

_LISTS = """counted as materialized (
    select p.object_id, p.position, p.effective_at, o.is_snapshot
    from metadata.object_position as p
    join metadata.object_version as o using (object_id)
    join metadata.vault_load as l using (object_id)
    where p.source = {source} and l.vault_table = {tracked_name} and l.loaded_below is null
        and p.effective_at >= %(since)s
), list as (
    -- the complete lists of one instant are one list; what other files said before it does not count
    select effective_at, min(position) as position, (array_agg(object_id order by position desc))[1] as object_id
    from counted
    where is_snapshot
    group by effective_at
)"""

# Tables of their own: within one statement the planner would expect a row or two of what is new, and compare each with
# each.
_FIRST_OBSERVED = """create temp table first_observed on commit drop as
select h.{key} as hash_key, min(h.effective_at) as effective_at
from {tracked} as h
join metadata.object_position as p on p.object_id = h.record_source
where h.{key} in (select hash_key from affected_key)
group by h.{key}"""

_PRESENT = """create temp table present on commit drop as
with {lists}, observed as (
    select h.{key} as hash_key, c.effective_at, c.position, c.object_id, h.record_row
    from {tracked} as h
    join counted as c on c.object_id = h.record_source
    where h.{key} in (select hash_key from affected_key) and h.effective_at >= %(since)s
    union all
    select t.hash_key, c.effective_at, c.position, c.object_id, t.record_row
    from raw_vault.record_tracking_satellite as t
    join counted as c on c.object_id = t.record_source
    where t.satellite = {tracked_name} and t.effective_at >= %(since)s
        and t.hash_key in (select hash_key from affected_key)
)
select distinct on (a.group_key, a.line_key, t.effective_at)
    a.hash_key, a.group_key, a.line_key, a.is_numbered, t.effective_at, t.position, t.object_id, t.record_row
from observed as t
join affected_key as a using (hash_key)
left join list as l using (effective_at)
where l.position is null or t.position >= l.position
order by a.group_key, a.line_key, t.effective_at, t.position desc, t.record_row desc"""

_STATUS = """with {lists}, instant as (
    select group_key, effective_at, bool_or(not is_numbered) as is_whole,
        (array_agg(object_id order by position desc))[1] as object_id
    from present
    group by group_key, effective_at
), said as (
    select hash_key, effective_at, false as is_deleted, object_id, record_row
    from present
    union all
    select a.hash_key, l.effective_at, true, l.object_id, 0
    from list as l
    cross join affected_key as a
    join first_observed as f using (hash_key)
    where f.effective_at <= l.effective_at
        and not exists (
            select from present as o where (o.hash_key, o.effective_at) = (a.hash_key, l.effective_at)
        )
        and not exists (
            -- what cannot be read is not absent
            select
            from metadata.unread_key as u
            join counted as c using (object_id)
            where u.hash_key = a.group_key and c.is_snapshot and c.effective_at = l.effective_at
        ){unstated}
), recorded as materialized (
    select distinct on (s.{key}, s.effective_at)
        s.{key} as hash_key, s.effective_at, s.is_deleted, s.record_source, s.loaded_at
    from {status} as s
    where s.{key} in (select hash_key from affected_key)
    order by s.{key}, s.effective_at, s.loaded_at desc
), before as (
    select distinct on (hash_key) hash_key, is_deleted
    from recorded
    where effective_at < %(since)s
    order by hash_key, effective_at desc
), stated as (
    select hash_key, effective_at, s.is_deleted as said, r.is_deleted as recorded, r.loaded_at as recorded_at,
        coalesce(s.object_id, r.record_source) as object_id, coalesce(s.record_row, 0) as record_row
    from said as s
    full join (select * from recorded where effective_at >= %(since)s) as r using (hash_key, effective_at)
), carried as (
    -- where nobody says anything (any more), what was said before goes on
    select *, count(said) over (partition by hash_key order by effective_at) as times_said
    from stated
), holding as (
    select c.*, coalesce(b.is_deleted, false) as at_first,
        coalesce(bool_or(c.said) over (partition by hash_key, c.times_said), b.is_deleted, false) as is_deleted
    from carried as c
    left join before as b using (hash_key)
), sequenced as (
    select *, coalesce(lag(is_deleted) over (partition by hash_key order by effective_at), at_first) as previous
    from holding
)
insert into {status} ({key}, effective_at, is_deleted, loaded_at, record_source, record_row)
select hash_key, effective_at, is_deleted, greatest(%(loaded_at)s, recorded_at + interval '1 microsecond'), object_id,
    record_row
from sequenced
where is_deleted <> coalesce(recorded, previous)"""


def render_affected(model: Model, name: str, reach: Reach, *, in_range: bool = False) -> sql.Composed:
    """The temporary table of the keys whose status the new or retracted objects may change.

    With `in_range`, only those of them whose driving key, or which themselves, lie from `low` to `high`.
    """
    names = _names(model, name)
    condition = keys_in_range(sql.Identifier("group_key" if is_numbered(model, name) else "hash_key"))
    keyword = " and " if is_numbered(model, name) else "\nwhere "
    names["in_range"] = sql.SQL(keyword if in_range else "") + (condition if in_range else sql.SQL(""))
    if not is_numbered(model, name):
        everything = "select h.{key} from {tracked} as h"
        others = sql.SQL(everything if reach == "everything" else _KEYS_OF_RETRACTED).format(**names)
        return sql.SQL(_KEYS).format(others=others, **names)
    if reach == "everything":
        contested = sql.SQL("select {group} as group_key from {link}").format(**names)
    else:
        contested = sql.SQL(_IN_SEVERAL_FILES + _CONTESTED[reach]).format(**names)
    return sql.SQL(_LINES).format(contested=contested, **names)


def render_observed(model: Model, name: str) -> dict[str, sql.Composed]:
    """The temporary tables of what files say of the affected keys: what is there, from the first new instant on, and
    when each key was there first. To be analysed before the status is worked out.
    """
    names = _names(model, name)
    return {
        "present": sql.SQL(_PRESENT).format(lists=sql.SQL(_LISTS).format(**names), **names),
        "first_observed": sql.SQL(_FIRST_OBSERVED).format(**names),
    }


def render_status(model: Model, name: str) -> sql.Composed:
    """What changes in the status of the affected keys.

    A row of any file says that its key is there; a complete list says of every key that came before it, and that it
    lacks, that it is deleted, and so do rows that state a driving key (Link.driving_key). The caller holds the lock,
    and the tracked satellite holds the new objects already.
    """
    unstated = sql.SQL(_UNSTATED if is_numbered(model, name) else "")
    names = _names(model, name)
    return sql.SQL(_STATUS).format(unstated=unstated, lists=sql.SQL(_LISTS).format(**names), **names)


def is_numbered(model: Model, name: str) -> bool:
    """Whether the satellite keeps the status of a link with a driving key."""
    link = model.links.get(model.satellites[name].parent)
    return link is not None and link.driving_key is not None


def _names(model: Model, name: str) -> dict[str, sql.Composable | str]:
    satellite = model.satellites[name]
    tracked: Satellite = model.satellites[satellite.status_of or ""]
    names: dict[str, sql.Composable | str] = {
        "source": satellite.source,
        "staging": sql.Identifier("staging", satellite.source),
        "staged_key": sql.Identifier(staged_key(model, tracked)),
        "tracked_name": satellite.status_of or "",
        "tracked": sql.Identifier("raw_vault", satellite.status_of or ""),
        "status": sql.Identifier("raw_vault", name),
        "key": sql.Identifier(model.satellite_key(satellite.status_of or "")),
    }
    link = model.links.get(satellite.parent)
    if link is not None and link.driving_key is not None:
        names |= {
            "link": sql.Identifier("raw_vault", satellite.parent),
            "group": sql.Identifier(model.hubs[link.driving_key].hash_key),
            "child": sql.Identifier(link.dependent_child_key or ""),
        }
    return names
