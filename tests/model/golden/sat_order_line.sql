with observed as (
    select s."link_order_product_hash_key" as hash_key, s."sat_order_line_hashdiff" as hashdiff, p.effective_at, p.position, s.object_id,
        s.row_number, s."quantity", s."unit_price", s."total_amount", 2 as origin
    from "staging"."transactions" as s
    join metadata.object_position as p using (object_id)
    where s.object_id = any(%(object_ids)s) and p.source = 'transactions'
        and not exists (
            select from metadata.repeated_row as r
            where r.object_id = s.object_id and r.row_number = s.row_number and r.is_overruled
        )
    union all
    select h."link_hash_key", h."hashdiff", h.effective_at, p.position, h.record_source, h.record_row, null, null, null, 0
    from (
        select "link_hash_key", "hashdiff", effective_at, record_source, record_row
        from "raw_vault"."sat_order_line" as h
        where h."link_hash_key" in (select "link_order_product_hash_key" from "staging"."transactions" where object_id = any(%(object_ids)s))
        offset 0  -- by its keys first: joined to the files first, it would be read whole for each small delta
    ) as h
    join metadata.object_position as p on p.object_id = h.record_source
    where p.source = 'transactions'
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
    select 'sat_order_line', hash_key, effective_at, hashdiff, %(loaded_at)s, object_id, row_number
    from sequenced
    where origin = 2 and not is_version
)
insert into "raw_vault"."sat_order_line" ("link_hash_key", effective_at, "hashdiff", "quantity", "unit_price", "total_amount", loaded_at, record_source, record_row)
select hash_key, effective_at, "hashdiff", "quantity", "unit_price", "total_amount", %(loaded_at)s, object_id, row_number
from sequenced
where origin = 2 and is_version
