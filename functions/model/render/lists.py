"""Statements about complete lists: which keys one lacks, and which of its rejected rows are about which key.

Rendered from the model. A list's key is a hub's, or, of a link with a driving key, that hub's: an order for its lines.
"""

from psycopg import sql

from functions.model.declaration import Model, Satellite
from functions.model.render.hash_keys import key_of, staged_key
from functions.model.render.quarantine import rejected_rows
from functions.model.render.row_rules import rules
from functions.model.render.staging import NOTHING, StagedPart
from functions.model.version_order import STATUS_LATEST_FIRST

UNREAD_LIMIT = 100_000
"""So many rejected rows of a part of a list are followed to their keys; of more, none counts as read."""

_UNREAD = """insert into metadata.unread_key (object_id, row_number, hash_key)
select {object_id}, row_number, case when {is_readable} then {key} end
from {rejected}
where _rejected <= {limit}"""

_MISSING = """with alive as materialized (
    (
        select h.{key}
        from {tracked} as h
        where h.effective_at < %(effective_at)s
            and (%(since)s::timestamptz is null or h.effective_at > %(since)s)
            and h.record_source not in (select r.object_id from metadata.retraction as r)
        except
        select {key}
        from (
            select distinct on (s.{key}) s.{key}, s.is_deleted
            from {status} as s
            where s.effective_at < %(effective_at)s and %(since)s::timestamptz is null
            order by s.{key}, {latest_first}
        ) as last
        where is_deleted
    )
    union
    select {staged_key} from {staging} where object_id = any(%(before)s)
), listed as materialized (
    select {staged_key} as {key} from {staging} where object_id = any(%(list)s)
    union all
    select {key} from {tracked} where effective_at = %(effective_at)s
    union all
    select hash_key
    from raw_vault.record_tracking_satellite
    where satellite = {tracked_name} and effective_at = %(effective_at)s
    union all
    {unread}
){counted}
select (select count(*) from (select {counted_key} from {alive} except select {counted_key} from {listed}) as missing),
    (select count(distinct {counted_key}) from {alive})"""

# A line without a number is another line once its amount is corrected; what may be missing of it is its order.
_COUNTED_LINES = """, line as materialized (
    select {key}, case when {child} is null then {group} else {key} end as line_or_order
    from (
        select {key}, {group}, {child} from {link}
        union
        select {staged_key}, {group}, {child} from {staging} where object_id = any(%(before)s || %(list)s)
    ) as line
), alive_line as materialized (
    select line_or_order from alive join line using ({key})
), listed_line as materialized (
    select line_or_order from listed join line using ({key})
)"""

_UNREAD_KEY = "select hash_key from metadata.unread_key where object_id = any(%(list)s)"
_UNREAD_GROUP = """select l.{key}
        from (
            select {key}, {group} from {link}
            union all
            select {staged_key}, {group} from {staging} where object_id = any(%(before)s)
        ) as l
        where l.{group} in (select hash_key from metadata.unread_key where object_id = any(%(list)s))"""


def listed_hubs(model: Model, source: str) -> set[str]:
    """The hubs whose keys the complete lists of a source are about."""
    hubs = set()
    for satellite in model.satellites.values():
        if satellite.source == source and satellite.status_of is not None:
            link = model.links.get(satellite.parent)
            hubs.add(satellite.parent if link is None else link.driving_key or link.hubs[0])
    return hubs


def render_unread_keys(model: Model, part: StagedPart, *, is_isolated: bool) -> sql.Composed | None:
    """Note for each rejected row of a part of a list the key that it is about. None for a source without lists."""
    hubs = listed_hubs(model, part.source)
    if not hubs:
        return None
    hub = min(hubs)
    columns = model.sources[part.source].columns
    name = model.hubs[hub].business_key
    good = rules(model, part.source)
    conditions: list[sql.Composable] = [sql.SQL("_broken is null")] if is_isolated else []
    conditions += [good[rule] for rule in (f"{name}.required", f"{name}.length", "row.header") if rule in good]
    if len(hubs) > 1:
        conditions.append(sql.SQL("false"))  # a row is about several keys: the list waits for somebody
    return sql.SQL(_UNREAD).format(
        object_id=part.object_id,
        is_readable=sql.SQL(" and ").join(conditions),
        key=key_of(model, hub, columns),
        rejected=rejected_rows(model, part, sql.SQL("_broken, ") if is_isolated else NOTHING, is_isolated=is_isolated),
        limit=UNREAD_LIMIT,
    )


def render_missing_keys(model: Model, status: str) -> sql.Composed:
    """How many of the keys that are there just before a list's instant it lacks, and how many are there.

    `status`: the satellite that keeps the status of these keys. Lines without a number count by their order. A key of a
    rejected row is not missing. Parameters:
    `effective_at` and `list` (the objects that make the list); `before`: this run's other objects that count before it;
    `since`: the instant of an earlier list among them, before which nothing else counts, or null.
    """
    satellite = model.satellites[status]
    tracked: Satellite = model.satellites[satellite.status_of or ""]
    names: dict[str, sql.Composable | str] = {
        "key": sql.Identifier(model.satellite_key(satellite.status_of or "")),
        "tracked": sql.Identifier("raw_vault", satellite.status_of or ""),
        "tracked_name": satellite.status_of or "",
        "status": sql.Identifier("raw_vault", status),
        "latest_first": STATUS_LATEST_FIRST,
        "staging": sql.Identifier("staging", satellite.source),
        "staged_key": sql.Identifier(staged_key(model, tracked)),
    }
    link = model.links.get(satellite.parent)
    unread = sql.SQL(_UNREAD_KEY)
    counted: sql.Composable = NOTHING
    counted_key, alive, listed = names["key"], sql.Identifier("alive"), sql.Identifier("listed")
    if link is not None:
        unread = sql.SQL(_UNREAD_GROUP)
        names |= {
            "link": sql.Identifier("raw_vault", satellite.parent),
            "group": sql.Identifier(model.hubs[link.driving_key or link.hubs[0]].hash_key),
        }
    if link is not None and link.driving_key is not None:
        child = sql.Identifier(link.dependent_child_key or "")
        counted = sql.SQL(_COUNTED_LINES).format(child=child, **names)
        counted_key = sql.Identifier("line_or_order")
        alive, listed = sql.Identifier("alive_line"), sql.Identifier("listed_line")
    return sql.SQL(_MISSING).format(
        unread=unread.format(**names), counted=counted, counted_key=counted_key, alive=alive, listed=listed, **names
    )
