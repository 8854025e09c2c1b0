with batch as (
    select s."link_order_product_hash_key" as hash_key, s."sat_order_line_hashdiff" as hashdiff, p.position, s.row_number,
        p.effective_at, s.object_id, "s"."quantity", "s"."unit_price", "s"."total_amount"
    from "staging"."transactions" as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s)
), observed as (
    select batch.*, true as is_new
    from batch
    union all
    select h."link_hash_key", h."hashdiff", p.position, h.record_row, h.effective_at, h.record_source, "h"."quantity", "h"."unit_price", "h"."total_amount", false
    from "raw_vault"."sat_order_line" as h
    join metadata.object_position as p on p.object_id = h.record_source
    where h."link_hash_key" in (select hash_key from batch)
), sequenced as (
    select *, lag(hashdiff) over (partition by hash_key order by position, row_number, is_new) as previous
    from observed
)
insert into "raw_vault"."sat_order_line" ("link_hash_key", effective_at, "hashdiff", "quantity", "unit_price", "total_amount", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", "quantity", "unit_price", "total_amount", %(loaded_at)s, object_id, row_number
from sequenced
where is_new and hashdiff is distinct from previous
order by hash_key
