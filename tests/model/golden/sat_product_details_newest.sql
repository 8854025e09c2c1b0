with spoken as (
    select distinct on (s."product_hash_key")
        s."product_hash_key" as hash_key, s."sat_product_details_hashdiff" as hashdiff, s."product_name", s."category", s."price", s."cost", s."supplier", 
        p.effective_at, s.object_id, s.row_number
    from "staging"."products" as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s) and p.source = 'products'
    order by s."product_hash_key", s.row_number desc
), before as (
    select distinct on (h."product_hash_key") h."product_hash_key" as hash_key, h."hashdiff" as hashdiff
    from (
        select "product_hash_key", "hashdiff", record_source, record_row
        from "raw_vault"."sat_product_details" as h
        where h."product_hash_key" in (select "product_hash_key" from "staging"."products" where object_id = any(%(object_ids)s))
        offset 0  -- by its keys first: joined to the files first, it would be read whole for each small delta
    ) as h
    join metadata.object_position as p on p.object_id = h.record_source
    where p.source = 'products'
    order by h."product_hash_key", p.position desc, h.record_row desc
), sequenced as materialized (
    select s.*, b.hashdiff is distinct from s.hashdiff as is_version
    from spoken as s
    left join before as b using (hash_key)
), remembered as (
    insert into raw_vault.record_tracking_satellite (
        satellite, hash_key, effective_at, hashdiff, loaded_at, record_source, record_row
    )
    select 'sat_product_details', hash_key, effective_at, hashdiff, %(loaded_at)s, object_id, row_number
    from sequenced
    where not is_version
)
insert into "raw_vault"."sat_product_details" ("product_hash_key", effective_at, "hashdiff", "product_name", "category", "price", "cost", "supplier", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", "product_name", "category", "price", "cost", "supplier", %(loaded_at)s, object_id, row_number
from sequenced
where is_version
