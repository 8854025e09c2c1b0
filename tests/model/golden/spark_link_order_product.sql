select `link_hash_key`, `order_hash_key`, `product_hash_key`, `line_number`, cast(:loaded_at as timestamp) as loaded_at, first.object_id as record_source,
    first.row_number as record_row, 1 as hash_version
from (
    select `link_order_product_hash_key` as link_hash_key, `order_hash_key`, `product_hash_key`, `line_number`, min(struct(object_id, row_number)) as first
    from `staged_transactions`
    where object_id in (select object_id from claimed)
    group by all
) as named
where not exists (select 1 from lake.raw_vault.`link_order_product` as h where h.link_hash_key = named.link_hash_key)
