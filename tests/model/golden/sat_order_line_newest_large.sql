with spoken as (
    select distinct on (s."link_order_product_hash_key")
        s."link_order_product_hash_key" as hash_key, s."sat_order_line_hashdiff" as hashdiff, s."quantity", s."unit_price", s."total_amount", 
        p.effective_at, s.object_id, s.row_number
    from (select * from "staging"."transactions" where "link_order_product_hash_key" >= %(low)s and "link_order_product_hash_key" < %(high)s) as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s) and p.source = 'transactions'
        and not exists (
            select from metadata.repeated_row as r
            where r.object_id = s.object_id and r.row_number = s.row_number and r.is_overruled
        )
    order by s."link_order_product_hash_key", s.row_number desc
), before as (
    select distinct on (h."link_hash_key") h."link_hash_key" as hash_key, h."hashdiff" as hashdiff
    from (
        select "link_hash_key", "hashdiff", record_source, record_row
        from "raw_vault"."sat_order_line" as h
        where "h"."link_hash_key" >= %(low)s and "h"."link_hash_key" < %(high)s
    ) as h
    join metadata.object_position as p on p.object_id = h.record_source
    where p.source = 'transactions'
    order by h."link_hash_key", p.position desc, h.record_row desc
), sequenced as materialized (
    select s.*, b.hashdiff is distinct from s.hashdiff as is_version
    from spoken as s
    left join before as b using (hash_key)
), remembered as (
    insert into raw_vault.record_tracking_satellite (
        satellite, hash_key, effective_at, hashdiff, loaded_at, record_source, record_row
    )
    select 'sat_order_line', hash_key, effective_at, hashdiff, %(loaded_at)s, object_id, row_number
    from sequenced
    where not is_version
)
insert into "raw_vault"."sat_order_line" ("link_hash_key", effective_at, "hashdiff", "quantity", "unit_price", "total_amount", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", "quantity", "unit_price", "total_amount", %(loaded_at)s, object_id, row_number
from sequenced
where is_version
