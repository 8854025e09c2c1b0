create temp table present on commit drop as
with counted as materialized (
    select p.object_id, p.position, p.effective_at, o.is_snapshot
    from metadata.object_position as p
    join metadata.object_version as o using (object_id)
    join metadata.vault_load as l using (object_id)
    where p.source = 'transactions' and l.vault_table = 'sat_order_line' and l.loaded_below is null
        and p.effective_at >= %(since)s
), list as (
    -- the complete lists of one instant are one list; what other files said before it does not count
    select effective_at, min(position) as position, (array_agg(object_id order by position desc))[1] as object_id
    from counted
    where is_snapshot
    group by effective_at
), observed as (
    select h."link_hash_key" as hash_key, c.effective_at, c.position, c.object_id, h.record_row
    from "raw_vault"."sat_order_line" as h
    join counted as c on c.object_id = h.record_source
    where h."link_hash_key" in (select hash_key from affected_key) and h.effective_at >= %(since)s
    union all
    select t.hash_key, c.effective_at, c.position, c.object_id, t.record_row
    from raw_vault.record_tracking_satellite as t
    join counted as c on c.object_id = t.record_source
    where t.satellite = 'sat_order_line' and t.effective_at >= %(since)s
        and t.hash_key in (select hash_key from affected_key)
)
select distinct on (a.group_key, a.line_key, t.effective_at)
    a.hash_key, a.group_key, a.line_key, a.is_numbered, t.effective_at, t.position, t.object_id, t.record_row
from observed as t
join affected_key as a using (hash_key)
left join list as l using (effective_at)
where l.position is null or t.position >= l.position
order by a.group_key, a.line_key, t.effective_at, t.position desc, t.record_row desc
