with batch as (
    select s."order_hash_key" as hash_key, s."link_customer_order_hash_key" as hashdiff, p.position, s.row_number,
        p.effective_at, s.object_id, null as nothing
    from "staging"."transactions" as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s)
), observed as (
    select batch.*, true as is_new
    from batch
    union all
    select h."order_hash_key", h."link_hash_key", p.position, h.record_row, h.effective_at, h.record_source, null, false
    from "raw_vault"."sat_customer_order_effectivity" as h
    join metadata.object_position as p on p.object_id = h.record_source
    where h."order_hash_key" in (select hash_key from batch)
), sequenced as (
    select *, lag(hashdiff) over (partition by hash_key order by position, row_number, is_new) as previous
    from observed
)
insert into "raw_vault"."sat_customer_order_effectivity" ("order_hash_key", effective_at, "link_hash_key", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", %(loaded_at)s, object_id, row_number
from sequenced
where is_new and hashdiff is distinct from previous
order by hash_key
