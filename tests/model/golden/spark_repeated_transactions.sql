with named as (
    select object_id, row_number, group_key, line_key, `line_number`, `customer_hash_key`, `product_hash_key`, `order_hash_key`, `link_customer_order_hash_key`, `link_order_product_hash_key`, `sat_order_details_hashdiff`, `sat_order_line_hashdiff`
    from `hashed_transactions`
    join several on in_object = object_id and group_key = `order_hash_key` and line_key = coalesce(encode(cast(`line_number` as string), 'UTF-8'), `link_order_product_hash_key`)
), apart as (
    select object_id, row_number, group_key, case when `line_number` is null then `link_order_product_hash_key` else line_key end as line_key, `customer_hash_key`, `product_hash_key`, `order_hash_key`, `link_customer_order_hash_key`, `sat_order_details_hashdiff`, `sat_order_line_hashdiff`, `link_order_product_hash_key`
    from (
        select object_id, row_number, group_key, line_key, `line_number`, `customer_hash_key`, `product_hash_key`, `order_hash_key`, `link_customer_order_hash_key`, `sat_order_details_hashdiff`, `sat_order_line_hashdiff`,
            case when `line_number` is null and dense_rank() over (partition by object_id, `link_order_product_hash_key` order by `customer_hash_key`, `product_hash_key`, `order_hash_key`, `link_customer_order_hash_key`, `link_order_product_hash_key`, `sat_order_details_hashdiff`, `sat_order_line_hashdiff`) > 1 then substring(unhex(sha2(concat(`link_order_product_hash_key`, unhex(lpad(hex(cast(dense_rank() over (partition by object_id, `link_order_product_hash_key` order by `customer_hash_key`, `product_hash_key`, `order_hash_key`, `link_customer_order_hash_key`, `link_order_product_hash_key`, `sat_order_details_hashdiff`, `sat_order_line_hashdiff`) as bigint)), 16, '0'))), 256)), 1, 16) else `link_order_product_hash_key` end as `link_order_product_hash_key`
        from named
    ) as counted
), placed as (
    select *, row_number() over (partition by object_id, group_key, line_key order by row_number desc) > 1
        and row_number() over (partition by object_id, `customer_hash_key`, `product_hash_key`, `order_hash_key`, `link_customer_order_hash_key`, `link_order_product_hash_key`, `sat_order_details_hashdiff`, `sat_order_line_hashdiff` order by row_number desc) = 1 as is_overruled
    from apart
)
select object_id, row_number, `link_order_product_hash_key`, is_overruled,
    row_number() over (partition by object_id, `link_order_product_hash_key` order by row_number) = 1 as is_first,
    row_number() over (partition by object_id, `link_order_product_hash_key` order by is_overruled, row_number desc) = 1 as is_last
from placed
