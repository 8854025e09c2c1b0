select hash_key as `product_hash_key`, effective_at, hashdiff as hashdiff, `product_name`, `category`, `price`, `cost`, `supplier`, cast(:loaded_at as timestamp) as loaded_at,
    object_id as record_source, row_number as record_row, 1 as hash_version
from sequenced
where origin = 2 and is_version
union all
select t.hash_key, t.effective_at, t.hashdiff, h.known.`product_name`, h.known.`category`, h.known.`price`, h.known.`cost`, h.known.`supplier`, cast(:loaded_at as timestamp), t.object_id, t.row_number, 1
from sequenced as t
join (
    select `product_hash_key`, hashdiff, any_value(struct(`product_name`, `category`, `price`, `cost`, `supplier`)) as known
    from lake.raw_vault.`sat_product_details`
    where `product_hash_key` in (select hash_key from sequenced where origin = 1 and is_version)
    group by `product_hash_key`, hashdiff
) as h on h.`product_hash_key` = t.hash_key and h.hashdiff = t.hashdiff
where t.origin = 1 and t.is_version
