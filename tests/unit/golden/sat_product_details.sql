with batch as (
    select s."product_hash_key" as hash_key, s."sat_product_details_hashdiff" as hashdiff, p.position, s.row_number,
        p.effective_at, s.object_id, "s"."product_name", "s"."category", "s"."price", "s"."cost", "s"."supplier"
    from "staging"."products" as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s)
), observed as (
    select batch.*, true as is_new
    from batch
    union all
    select h."product_hash_key", h."hashdiff", p.position, h.record_row, h.effective_at, h.record_source, "h"."product_name", "h"."category", "h"."price", "h"."cost", "h"."supplier", false
    from "raw_vault"."sat_product_details" as h
    join metadata.object_position as p on p.object_id = h.record_source
    where h."product_hash_key" in (select hash_key from batch)
), sequenced as (
    select *, lag(hashdiff) over (partition by hash_key order by position, row_number, is_new) as previous
    from observed
)
insert into "raw_vault"."sat_product_details" ("product_hash_key", effective_at, "hashdiff", "product_name", "category", "price", "cost", "supplier", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", "product_name", "category", "price", "cost", "supplier", %(loaded_at)s, object_id, row_number
from sequenced
where is_new and hashdiff is distinct from previous
order by hash_key
