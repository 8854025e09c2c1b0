with positions as materialized (
    select p.object_id, p.position, p.effective_at, o.is_snapshot
    from metadata.object_position as p
    join metadata.object_version as o using (object_id)
    join metadata.vault_load as l using (object_id)
    where p.source = 'transactions' and l.vault_table = 'sat_order_line'
), first as (
    select min(position) as position, bool_or(is_snapshot) as is_snapshot
    from positions
    where object_id = any(%(object_ids)s)
), affected as materialized (
    select distinct "link_order_product_hash_key" as hash_key from "staging"."transactions" where object_id = any(%(object_ids)s)
    union
    select "link_hash_key" from "raw_vault"."sat_order_line" where (select is_snapshot from first)
), present as materialized (
    select h."link_hash_key" as hash_key, p.position, p.object_id, p.effective_at, min(h.record_row) as record_row
    from "raw_vault"."sat_order_line" as h
    join positions as p on p.object_id = h.record_source
    where p.position >= (select position from first) and h."link_hash_key" in (select hash_key from affected)
    group by 1, 2, 3, 4
    union
    select t.hash_key, p.position, p.object_id, p.effective_at, min(t.record_row)
    from raw_vault.record_tracking_satellite as t
    join positions as p on p.object_id = t.record_source
    where t.satellite = 'sat_order_line' and t.effective_at >= %(since)s
        and p.position >= (select position from first) and t.hash_key in (select hash_key from affected)
    group by 1, 2, 3, 4
), statuses as (
    select hash_key, position, object_id, effective_at, record_row, false as is_deleted
    from present
    union all
    select a.hash_key, p.position, p.object_id, p.effective_at, 0, true
    from affected as a
    cross join positions as p
    where p.is_snapshot
        and p.position >= (select position from first)
        and not exists (select from present as o where o.hash_key = a.hash_key and o.object_id = p.object_id)
        and exists (
            select from "raw_vault"."sat_order_line" as h
            join positions as earlier on earlier.object_id = h.record_source
            where h."link_hash_key" = a.hash_key and earlier.position < p.position
        )
    union all
    select h."link_hash_key", p.position, null, null, null, h.is_deleted
    from "raw_vault"."sat_order_line_status" as h
    join positions as p on p.object_id = h.record_source
    where p.position < (select position from first) and h."link_hash_key" in (select hash_key from affected)
), sequenced as (
    select *, lag(is_deleted, 1, false) over (partition by hash_key order by position, record_row) as previous
    from statuses
)
insert into "raw_vault"."sat_order_line_status" ("link_hash_key", effective_at, is_deleted, loaded_at, record_source, record_row)
select hash_key, effective_at, is_deleted, %(loaded_at)s, object_id, record_row
from sequenced
where object_id is not null and is_deleted <> previous
on conflict do nothing
