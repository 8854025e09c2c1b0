with named as (
    select object_id, row_number, group_key, line_key, `customer_hash_key`, `sat_customer_details_hashdiff`
    from `hashed_customers`
    join several on in_object = object_id and group_key = `customer_hash_key` and line_key = `customer_hash_key`
), apart as (
    select * from named
), placed as (
    select *, false as is_overruled
    from apart
)
select object_id, row_number, `customer_hash_key`, is_overruled,
    row_number() over (partition by object_id, `customer_hash_key` order by row_number) = 1 as is_first,
    row_number() over (partition by object_id, `customer_hash_key` order by is_overruled, row_number desc) = 1 as is_last
from placed
