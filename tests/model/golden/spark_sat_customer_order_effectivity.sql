select hash_key as `order_hash_key`, effective_at, hashdiff as link_hash_key, cast(:loaded_at as timestamp) as loaded_at,
    object_id as record_source, row_number as record_row, 1 as hash_version
from sequenced
where origin = 2 and is_version
union all
select t.hash_key, t.effective_at, t.hashdiff, cast(:loaded_at as timestamp), t.object_id, t.row_number, 1
from sequenced as t
join (
    select `order_hash_key`, link_hash_key, any_value(true) as known
    from lake.raw_vault.`sat_customer_order_effectivity`
    where `order_hash_key` in (select hash_key from sequenced where origin = 1 and is_version)
    group by `order_hash_key`, link_hash_key
) as h on h.`order_hash_key` = t.hash_key and h.link_hash_key = t.hashdiff
where t.origin = 1 and t.is_version
