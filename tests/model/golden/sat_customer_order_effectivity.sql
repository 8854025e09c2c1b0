with observed as (
    select s."order_hash_key" as hash_key, s."link_customer_order_hash_key" as hashdiff, p.effective_at, p.position, s.object_id,
        s.row_number, 2 as origin
    from "staging"."transactions" as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s) and p.source = 'transactions'
    union all
    select h."order_hash_key", h."link_hash_key", h.effective_at, p.position, h.record_source, h.record_row, 0
    from (
        select "order_hash_key", "link_hash_key", effective_at, record_source, record_row
        from "raw_vault"."sat_customer_order_effectivity" as h
        where h."order_hash_key" in (
            select "order_hash_key" from "staging"."transactions" where object_id = any(%(object_ids)s)
            union all
            select r."order_hash_key" from "raw_vault"."sat_customer_order_effectivity" as r where r.record_source = any(%(retracted)s)
            union all
            select r.hash_key
            from raw_vault.record_tracking_satellite as r
            where r.satellite = 'sat_customer_order_effectivity' and r.effective_at >= %(since)s and r.record_source = any(%(retracted)s)
        )
        offset 0  -- by its keys first: joined to the files first, it would be read whole for each small delta
    ) as h
    join metadata.object_position as p on p.object_id = h.record_source
    where p.source = 'transactions'
    union all
    select t.hash_key, t.hashdiff, t.effective_at, p.position, t.record_source, t.record_row, 1
    from raw_vault.record_tracking_satellite as t
    join metadata.object_position as p on p.object_id = t.record_source
    where t.satellite = 'sat_customer_order_effectivity' and t.effective_at >= %(since)s and p.source = 'transactions'
        and t.hash_key in (
            select "order_hash_key" from "staging"."transactions" where object_id = any(%(object_ids)s)
            union all
            select r."order_hash_key" from "raw_vault"."sat_customer_order_effectivity" as r where r.record_source = any(%(retracted)s)
            union all
            select r.hash_key
            from raw_vault.record_tracking_satellite as r
            where r.satellite = 'sat_customer_order_effectivity' and r.effective_at >= %(since)s and r.record_source = any(%(retracted)s)
        )
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
    select 'sat_customer_order_effectivity', hash_key, effective_at, hashdiff, %(loaded_at)s, object_id, row_number
    from sequenced
    where origin = 2 and not is_version
)
insert into "raw_vault"."sat_customer_order_effectivity" ("order_hash_key", effective_at, "link_hash_key", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", %(loaded_at)s, object_id, row_number
from sequenced
where origin = 2 and is_version
union all
select t.hash_key, t.effective_at, t.hashdiff, %(loaded_at)s, t.object_id, t.row_number
from sequenced as t
cross join lateral (
    select true as is_known
    from "raw_vault"."sat_customer_order_effectivity" as h
    where h."order_hash_key" = t.hash_key and h."link_hash_key" = t.hashdiff
    limit 1
) as h
where t.origin = 1 and t.is_version
