with contested as (
    select `order_hash_key` as group_key from `staged_transactions` where false
    union
    select l.`order_hash_key`
    from lake.raw_vault.`link_order_product` as l
    where l.`order_hash_key` in (select `order_hash_key` from `staged_transactions`)
        and not exists (
            select 1 from `staged_transactions` as s where s.`link_order_product_hash_key` = l.`link_hash_key` and not s.is_overruled
        )
    union
    select l.`order_hash_key`
    from lake.raw_vault.`link_order_product` as l
    join lake.raw_vault.`sat_order_line_status` as d on d.`link_hash_key` = l.`link_hash_key`
    where l.`order_hash_key` in (select `order_hash_key` from `staged_transactions`)
)
select `link_hash_key` as hash_key, `order_hash_key` as group_key, coalesce(encode(cast(`line_number` as string), 'UTF-8'), `link_hash_key`) as line_key, `line_number` is not null as is_numbered
from lake.raw_vault.`link_order_product`
where `order_hash_key` in (select group_key from contested)
