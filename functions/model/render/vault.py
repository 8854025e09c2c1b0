"""Statements that move staged rows to hubs, links and satellites. Rendered from the model.

Parameters: `object_ids` (an array) and `loaded_at`; of satellites also `retracted`, objects whose rows no longer count,
and `since`: the first effective instant of both. With `in_range`, a statement does its work for the hash keys from
`low` (included) to `high` (excluded) only: no key's rows depend on another's, so ranges can be done one by one.
"""

from psycopg import sql

from functions.model.declaration import Model
from functions.model.render.hash_keys import staged_hashdiff, staged_key, staged_parent_key


def _identifiers(names: list[str], table: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, name) if table else sql.Identifier(name) for name in names)


def keys_in_range(key: sql.Composable) -> sql.Composed:
    """The condition that a hash key is among those from `low` to `high`."""
    return sql.SQL("{key} >= %(low)s and {key} < %(high)s").format(key=key)


def _staged_rows(source: str, key: str, *, in_range: bool) -> sql.Composable:
    staging = sql.Identifier("staging", source)
    if not in_range:
        return staging
    return sql.SQL("(select * from {} where {})").format(staging, keys_in_range(sql.Identifier(key)))


def render_hub(model: Model, name: str, source: str, *, in_range: bool = False) -> sql.Composed:
    """Business keys of one source that the hub does not hold yet, each with the first row that names it.

    A hub of several sources may get the key from elsewhere meanwhile: the clickstream does not take the load's lock.
    """
    hub = model.hubs[name]
    keys = _identifiers([hub.hash_key, hub.business_key])
    return sql.SQL(
        """insert into {hub} ({keys}, loaded_at, record_source, record_row)
select distinct on ({hash_key}) {keys}, %(loaded_at)s, object_id, row_number
from {staging} as named
where object_id = any(%(object_ids)s)
    and not exists (select from {hub} as h where h.{hash_key} = named.{hash_key})
order by {hash_key}, object_id, row_number{conflict}"""
    ).format(
        conflict=sql.SQL("\non conflict do nothing" if len(hub.sources) > 1 else ""),
        hub=sql.Identifier("raw_vault", name),
        keys=keys,
        hash_key=sql.Identifier(hub.hash_key),
        staging=_staged_rows(source, hub.hash_key, in_range=in_range),
    )


def render_link(model: Model, name: str, *, in_range: bool = False) -> sql.Composed:
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
    and not exists (select from {link} as h where h.link_hash_key = named.{staged})
order by {staged}, object_id, row_number"""
    ).format(
        link=sql.Identifier("raw_vault", name),
        others=_identifiers(others),
        staged=sql.Identifier(staged),
        staging=_staged_rows(link.source, staged, in_range=in_range),
    )


_TRACKED = """
    union all
    select t.hash_key, t.hashdiff, t.effective_at, p.position, t.record_source, t.record_row, {no_columns}1
    from raw_vault.record_tracking_satellite as t
    join metadata.object_position as p on p.object_id = t.record_source
    where t.satellite = {name} and t.effective_at >= %(since)s and p.source = {source}
        and t.hash_key in {affected}"""


_REINSTATED = """
union all
select t.hash_key, t.effective_at, {reinstated_payload}, %(loaded_at)s, t.object_id, t.row_number
from sequenced as t
cross join lateral (
    select {known_payload}
    from {satellite} as h
    where h.{key} = t.hash_key and h.{hashdiff} = t.hashdiff
    limit 1
) as h
where t.origin = 1 and t.is_version"""

_STAGED_KEYS = "(select {staged_key} from {staging} where object_id = any(%(object_ids)s))"

_STAGED_AND_RETRACTED_KEYS = """(
            select {staged_key} from {staging} where object_id = any(%(object_ids)s)
            union all
            select r.{key} from {satellite} as r where r.record_source = any(%(retracted)s)
            union all
            select r.hash_key
            from raw_vault.record_tracking_satellite as r
            where r.satellite = {name} and r.effective_at >= %(since)s and r.record_source = any(%(retracted)s)
        )"""

_NOT_OVERRULED = """
        and not exists (
            select from metadata.repeated_row as r
            where r.object_id = s.object_id and r.row_number = s.row_number and r.is_overruled
        )"""


_OF_ITS_KEYS = """
        where h.{key} in {affected}
        offset 0  -- by its keys first: joined to the files first, it would be read whole for each small delta"""


def render_satellite(
    model: Model, name: str, *, is_late: bool, is_large: bool = False, in_range: bool = False
) -> sql.Composed:
    """Staged rows that differ from the observation just before them, and observations that no longer equal it.

    The observations of a key are the satellite's rows (versions), those that record tracking remembers (unchanged) and
    the staged ones, in the order of metadata.object_position and row; of the rows of one object the last one speaks. A
    staged one that differs from the one before it is inserted as a version, one that equals it is remembered. A
    remembered one that, after a late file or without a retracted one, now differs from the one before it becomes a
    version too, known from now on. The caller holds the table's lock, so nobody else inserts, and passes only objects
    that are not in the table yet. Unless one `is_late`, which means that it comes before any object that is, or one was
    retracted, no remembered observation comes after them, so none is asked for.

    When the staged rows are so many that the satellite's are few beside them (`is_large`), all of these are read:
    looking for the staged keys among them would cost more than it saves. The outcome is the same.
    """
    names = _names_for_satellite(model, name, in_range=in_range)
    affected = sql.SQL(_STAGED_AND_RETRACTED_KEYS if is_late else _STAGED_KEYS).format(**names)
    if is_late and in_range:
        affected = sql.SQL("(select key from {} as affected (key) where {})").format(
            affected, keys_in_range(sql.Identifier("key"))
        )
    parent = model.links.get(model.satellites[name].parent)
    return sql.SQL(
        """with observed as (
    select s.{staged_key} as hash_key, s.{staged_hashdiff} as hashdiff, p.effective_at, p.position, s.object_id,
        s.row_number, {staged_columns}2 as origin
    from {staging} as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s) and p.source = {source}{not_overruled}
    union all
    select h.{key}, h.{hashdiff}, h.effective_at, p.position, h.record_source, h.record_row, {no_columns}0
    from (
        select {key}, {hashdiff}, effective_at, record_source, record_row
        from {satellite} as h{which}
    ) as h
    join metadata.object_position as p on p.object_id = h.record_source
    where p.source = {source}{tracked}
), spoken as (
    select distinct on (hash_key, position) *
    from observed
    order by hash_key, position, row_number desc, origin
), sequenced as materialized (
    select *, lag(hashdiff) over (partition by hash_key order by position) is distinct from hashdiff as is_version
    from spoken
), remembered as (
    insert into raw_vault.record_tracking_satellite (
        satellite, hash_key, effective_at, hashdiff, loaded_at, record_source, record_row
    )
    select {name}, hash_key, effective_at, hashdiff, %(loaded_at)s, object_id, row_number
    from sequenced
    where origin = 2 and not is_version
)
insert into {satellite} ({key}, effective_at, {payload}, loaded_at, record_source, record_row)
select hash_key, effective_at, {sequenced_payload}, %(loaded_at)s, object_id, row_number
from sequenced
where origin = 2 and is_version{reinstated}"""
    ).format(
        which=_which(model, name, names, affected, is_large=is_large, in_range=in_range),
        not_overruled=sql.SQL(_NOT_OVERRULED if parent is not None and parent.driving_key else ""),
        tracked=sql.SQL(_TRACKED).format(affected=affected, **names) if is_late else sql.SQL(""),
        reinstated=sql.SQL(_REINSTATED).format(**names) if is_late else sql.SQL(""),
        **names,
    )


_SPOKEN = """with spoken as (
    select distinct on (s.{staged_key})
        s.{staged_key} as hash_key, s.{staged_hashdiff} as hashdiff, {staged_columns}
        p.effective_at, s.object_id, s.row_number
    from {staging} as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s) and p.source = {source}{not_overruled}
    order by s.{staged_key}, s.row_number desc
)"""

_COMPARED = """, before as (
    select distinct on (h.{key}) h.{key} as hash_key, h.{hashdiff} as hashdiff
    from (
        select {key}, {hashdiff}, record_source, record_row
        from {satellite} as h{which}
    ) as h
    join metadata.object_position as p on p.object_id = h.record_source
    where p.source = {source}
    order by h.{key}, p.position desc, h.record_row desc
), sequenced as materialized (
    select s.*, b.hashdiff is distinct from s.hashdiff as is_version
    from spoken as s
    left join before as b using (hash_key)
), remembered as (
    insert into raw_vault.record_tracking_satellite (
        satellite, hash_key, effective_at, hashdiff, loaded_at, record_source, record_row
    )
    select {name}, hash_key, effective_at, hashdiff, %(loaded_at)s, object_id, row_number
    from sequenced
    where not is_version
)"""


def render_newest(
    model: Model, name: str, *, is_first: bool = False, is_large: bool = False, in_range: bool = False
) -> sql.Composed:
    """What render_satellite comes to of one object that comes after all others, which takes two thirds of the work:
    each key has one new observation, and the last version is what it is compared with.

    `is_first`: the satellite holds no other object, so all of them are versions.
    """
    names = _names_for_satellite(model, name, in_range=in_range)
    parent = model.links.get(model.satellites[name].parent)
    affected = sql.SQL(_STAGED_KEYS).format(**names)
    return sql.SQL(
        """{spoken}{compared}
insert into {satellite} ({key}, effective_at, {payload}, loaded_at, record_source, record_row)
select hash_key, effective_at, {sequenced_payload}, %(loaded_at)s, object_id, row_number
from {versions}"""
    ).format(
        spoken=sql.SQL(_SPOKEN).format(
            not_overruled=sql.SQL(_NOT_OVERRULED if parent is not None and parent.driving_key else ""), **names
        ),
        compared=sql.SQL("")
        if is_first
        else sql.SQL(_COMPARED).format(
            which=_which(model, name, names, affected, is_large=is_large, in_range=in_range), **names
        ),
        versions=sql.SQL("spoken" if is_first else "sequenced\nwhere is_version"),
        **names,
    )


def _which(
    model: Model,
    name: str,
    names: dict[str, sql.Composable | str],
    affected: sql.Composable,
    *,
    is_large: bool,
    in_range: bool,
) -> sql.Composable:
    """The rows of the satellite that new ones are compared with: of the affected keys, or all (of the range)."""
    if not is_large:
        return sql.SQL(_OF_ITS_KEYS).format(affected=affected, **names)
    of_range = sql.SQL("\n        where {}").format(keys_in_range(sql.Identifier("h", model.satellite_key(name))))
    return of_range if in_range else sql.Composed([])


def _names_for_satellite(model: Model, name: str, *, in_range: bool) -> dict[str, sql.Composable | str]:
    """What the statements that load a satellite leave open."""
    satellite = model.satellites[name]
    hashdiff = "hashdiff" if satellite.driving_key is None else "link_hash_key"
    columns = list(satellite.columns)
    return {
        "name": name,
        "source": satellite.source,
        "staging": _staged_rows(satellite.source, staged_key(model, satellite), in_range=in_range),
        "staged_key": sql.Identifier(staged_key(model, satellite)),
        "staged_hashdiff": sql.Identifier(staged_hashdiff(name, satellite)),
        "staged_columns": sql.SQL("").join(sql.SQL("s.{}, ").format(sql.Identifier(each)) for each in columns),
        "no_columns": sql.SQL("null, " * len(columns)),
        "satellite": sql.Identifier("raw_vault", name),
        "key": sql.Identifier(model.satellite_key(name)),
        "hashdiff": sql.Identifier(hashdiff),
        "payload": _identifiers([hashdiff, *columns]),
        "sequenced_payload": _identifiers(["hashdiff", *columns]),
        "reinstated_payload": sql.SQL(", ").join(
            [sql.SQL("t.hashdiff"), *(sql.Identifier("h", each) for each in columns)]
        ),
        "known_payload": _identifiers(columns, "h") if columns else sql.SQL("true as is_known"),
    }
