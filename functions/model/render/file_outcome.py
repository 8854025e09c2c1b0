"""The statement that says what became of one file's rows: in force, or superseded by which file.

Rendered from the model. Parameter: `object_id`. One row for each fate and superseding object: `fate` (in_force,
superseded, not_yet_in_force or retracted), `object_id` of the superseding file or null, how many rows, the sum of each
measure, and the same sums as the marts show these rows (null where no mart does).
"""

from psycopg import sql

from functions.model.declaration import Model

_OUTCOME = """with shown as materialized (
    select coalesce((select i.in_force_at from metadata.mart_instant as i), now()) as at
), position as materialized (
    select object_id, position, effective_at from metadata.object_position where source = {source}
), this as materialized (
    select o.object_id, o.effective_at, p.position
    from metadata.object_version as o
    left join position as p using (object_id)
    where o.object_id = %(object_id)s
), mine as materialized (
    select h.{key} as hash_key, h.{hashdiff} as hashdiff
    from {satellite} as h
    where h.record_source = %(object_id)s
    union
    select t.hash_key, t.hashdiff
    from raw_vault.record_tracking_satellite as t
    where t.satellite = {name} and t.record_source = %(object_id)s
        and t.effective_at = (select effective_at from this)
), version as materialized (
    select h.*, p.position
    from {satellite} as h
    left join position as p on p.object_id = h.record_source
    where h.{key} in (select hash_key from mine)
), said as (
    select distinct on (m.hash_key) m.hash_key{measures_of_version}
    from mine as m
    join version as h on h.{key} = m.hash_key and h.{hashdiff} = m.hashdiff
    order by m.hash_key
), later as (
    select distinct on (o.hash_key) o.hash_key, p.object_id, p.effective_at
    from (
        select {key} as hash_key, record_source from version
        union all
        select t.hash_key, t.record_source
        from raw_vault.record_tracking_satellite as t
        where t.satellite = {name} and t.effective_at >= (select effective_at from this)
            and t.hash_key in (select hash_key from mine)
    ) as o
    join position as p on p.object_id = o.record_source
    where p.position > (select position from this) and p.effective_at <= (select at from shown)
    order by o.hash_key, p.position
), ended as (
    {ended}
), fate as (
    select s.*,
        case
            when (select position from this) is null then 'retracted'
            when (select effective_at from this) > (select at from shown) then 'not_yet_in_force'
            when later.object_id is not null or ended.object_id is not null then 'superseded'
            else 'in_force'
        end as fate,
        case
            when later.effective_at <= coalesce(ended.effective_at, 'infinity') then later.object_id
            else ended.object_id
        end as superseding
    from said as s
    left join later using (hash_key)
    left join ended using (hash_key)
)
select
    fate.fate,
    case when fate.fate = 'superseded' then fate.superseding end,
    count(*),
    array[{sums}]::numeric[],
    {in_marts}
from fate{marts}
group by 1, 2
order by 1, 2"""

_ENDED = """select distinct on (s.hash_key) s.hash_key, s.effective_at, s.record_source as object_id
    from (
        select distinct on (d.{key}, d.effective_at)
            d.{key} as hash_key, d.effective_at, d.is_deleted, d.record_source
        from {status} as d
        where d.{key} in (select hash_key from mine)
            and d.effective_at >= (select effective_at from this) and d.effective_at <= (select at from shown)
        order by d.{key}, d.effective_at, d.loaded_at desc
    ) as s
    where s.is_deleted
    order by s.hash_key, s.effective_at"""

_NEVER_ENDED = "select null::bytea as hash_key, null::timestamptz as effective_at, null::bigint as object_id limit 0"

# The mart's line points to the version that it came from.
_IN_MARTS = """
left join (
    select distinct on (v.link_hash_key) v.link_hash_key as hash_key, v.record_source, v.record_row, o.transaction_id
    from version as v
    join raw_vault.link_order_product as l on l.link_hash_key = v.link_hash_key
    join raw_vault.hub_order as o on o.order_hash_key = l.order_hash_key
    where v.position is not null and v.effective_at <= (select at from shown)
    order by v.link_hash_key, v.position desc, v.record_row desc
) as last on last.hash_key = fate.hash_key
left join business_vault.mart_order_line as m
    on m.transaction_id = last.transaction_id and m.record_source = last.record_source
        and m.record_row = last.record_row"""


def render_file_outcome(model: Model, source: str) -> sql.Composed:
    """What became of the rows of one object, of its finest satellite."""
    name = _satellite(model, source)
    measures = [each for each in model.sources[source].measures if each in model.satellites[name].columns]
    status = next((each for each, satellite in model.satellites.items() if satellite.status_of == name), None)
    key = sql.Identifier(model.satellite_key(name))
    is_in_mart = name == "sat_order_line"
    names = {
        "source": source,
        "name": name,
        "satellite": sql.Identifier("raw_vault", name),
        "key": key,
        "hashdiff": sql.Identifier("link_hash_key" if model.satellites[name].driving_key else "hashdiff"),
    }
    return sql.SQL(_OUTCOME).format(
        measures_of_version=sql.SQL("").join(sql.SQL(", h.{}").format(sql.Identifier(each)) for each in measures),
        ended=sql.SQL(_ENDED).format(key=key, status=sql.Identifier("raw_vault", status))
        if status
        else sql.SQL(_NEVER_ENDED),
        sums=_sums(measures, "fate"),
        in_marts=sql.SQL("array[{}]::numeric[]").format(_sums(measures, "m")) if is_in_mart else sql.SQL("null"),
        marts=sql.SQL(_IN_MARTS if is_in_mart else ""),
        **names,
    )


def followed_measures(model: Model, source: str) -> list[str]:
    """The measures whose sums the statement returns, in its order."""
    return [
        each for each in model.sources[source].measures if each in model.satellites[_satellite(model, source)].columns
    ]


def _satellite(model: Model, source: str) -> str:
    """The satellite whose versions identify the rows of a source."""
    parent = model.finest_parent(source)
    candidates = model.satellites_of(source)
    return next(
        (name for name, each in candidates.items() if (each.driving_key or each.parent) == parent),
        next(iter(candidates)),
    )


def _sums(measures: list[str], table: str) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("coalesce(sum({}), 0)").format(sql.Identifier(table, each)) for each in measures)
