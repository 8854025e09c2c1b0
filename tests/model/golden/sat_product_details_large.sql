with observed as (
    select s."product_hash_key" as hash_key, s."sat_product_details_hashdiff" as hashdiff, p.effective_at, p.position, s.object_id,
        s.row_number, s."product_name", s."category", s."price", s."cost", s."supplier", 2 as origin
    from "staging"."products" as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s) and p.source = 'products'
    union all
    select h."product_hash_key", h."hashdiff", h.effective_at, p.position, h.record_source, h.record_row, null, null, null, null, null, 0
    from (
        select "product_hash_key", "hashdiff", effective_at, record_source, record_row
        from "raw_vault"."sat_product_details" as h
    ) as h
    join metadata.object_position as p on p.object_id = h.record_source
    where p.source = 'products'
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
    select 'sat_product_details', hash_key, effective_at, hashdiff, %(loaded_at)s, object_id, row_number
    from sequenced
    where origin = 2 and not is_version
)
insert into "raw_vault"."sat_product_details" ("product_hash_key", effective_at, "hashdiff", "product_name", "category", "price", "cost", "supplier", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", "product_name", "category", "price", "cost", "supplier", %(loaded_at)s, object_id, row_number
from sequenced
where origin = 2 and is_version
