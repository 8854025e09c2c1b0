with typed as (
    select object_id, row_number, `customer_id` as `customer_id`, `first_name` as `first_name`, `last_name` as `last_name`, `email` as `email`, `phone` as `phone`, date_from_unix_date(`signup_date`) as `signup_date`, `country` as `country`, `state` as `state`, `city` as `city`, `customer_segment` as `customer_segment`
    from typed_rows
), named as (
    select *, unhex(left(sha2(concat(concat('s', octet_length(`customer_id`), ':', `customer_id`)), 256), 32)) as `customer_hash_key`,
        unhex(left(sha2(trim(trailing '~' from concat(coalesce(concat('s', octet_length(`first_name`), ':', `first_name`), '~'), coalesce(concat('s', octet_length(`last_name`), ':', `last_name`), '~'), coalesce(concat('s', octet_length(`email`), ':', `email`), '~'), coalesce(concat('s', octet_length(`phone`), ':', `phone`), '~'), coalesce(concat('d', date_format(`signup_date`, 'yyyy-MM-dd'), ';'), '~'), coalesce(concat('s', octet_length(`country`), ':', `country`), '~'), coalesce(concat('s', octet_length(`state`), ':', `state`), '~'), coalesce(concat('s', octet_length(`city`), ':', `city`), '~'), coalesce(concat('s', octet_length(`customer_segment`), ':', `customer_segment`), '~'))), 256), 32)) as `sat_customer_details_hashdiff`
    from typed
), hashed as (
    select *
    from named
)
select *, false as is_overruled
from hashed
