with named as not materialized (
    select object_id, row_number, "order_hash_key" as group_key, coalesce(convert_to("line_number"::text, 'UTF8'), "link_order_product_hash_key") as line_key, "customer_hash_key", "product_hash_key", "order_hash_key", "link_customer_order_hash_key", "link_order_product_hash_key", "sat_order_details_hashdiff", "sat_order_line_hashdiff"
    from "staging"."transactions"
    where object_id = any(%(object_ids)s)
), repeated as materialized (
    select object_id, group_key, line_key
    from named
    group by object_id, group_key, line_key
    having count(*) > 1
), placed as (
    select
        object_id,
        row_number,
        row_number() over (partition by object_id, group_key, line_key order by row_number desc) > 1 as is_repeated,
        row_number() over (partition by object_id, "customer_hash_key", "product_hash_key", "order_hash_key", "link_customer_order_hash_key", "link_order_product_hash_key", "sat_order_details_hashdiff", "sat_order_line_hashdiff" order by row_number desc) > 1 as is_duplicate
    from named
    join repeated using (object_id, group_key, line_key)
)
insert into metadata.repeated_row (object_id, row_number, is_overruled)
select object_id, row_number, not is_duplicate
from placed
where is_repeated
