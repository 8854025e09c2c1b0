with spoken as (
    select distinct on (s."product_hash_key")
        s."product_hash_key" as hash_key, s."sat_product_details_hashdiff" as hashdiff, s."product_name", s."category", s."price", s."cost", s."supplier", 
        p.effective_at, s.object_id, s.row_number
    from "staging"."products" as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s) and p.source = 'products'
    order by s."product_hash_key", s.row_number desc
)
insert into "raw_vault"."sat_product_details" ("product_hash_key", effective_at, "hashdiff", "product_name", "category", "price", "cost", "supplier", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", "product_name", "category", "price", "cost", "supplier", %(loaded_at)s, object_id, row_number
from spoken
