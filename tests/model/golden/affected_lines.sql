create temp table affected_key on commit drop as
with contested as materialized (
    select "order_hash_key" as group_key
    from "staging"."transactions"
    where object_id = any(%(object_ids)s) and cardinality(%(object_ids)s) > 1
    group by "order_hash_key"
    having min(object_id) <> max(object_id)
    union
    select l."order_hash_key"
    from "raw_vault"."link_order_product" as l
    where l."order_hash_key" in (select "order_hash_key" from "staging"."transactions" where object_id = any(%(object_ids)s))
        and not exists (
            select
            from "staging"."transactions" as s
            left join metadata.repeated_row as r using (object_id, row_number)
            where s.object_id = any(%(object_ids)s) and s."link_order_product_hash_key" = l."link_hash_key" and r.is_overruled is not true
        )
    union
    select l."order_hash_key"
    from "raw_vault"."link_order_product" as l
    join "raw_vault"."sat_order_line_status" as d using ("link_hash_key")
    where l."order_hash_key" in (select "order_hash_key" from "staging"."transactions" where object_id = any(%(object_ids)s))
), line as (
    select "link_order_product_hash_key" as hash_key, "order_hash_key" as group_key, "line_number" as number from "staging"."transactions"
    union
    select "link_hash_key", "order_hash_key", "line_number" from "raw_vault"."link_order_product"
)
select hash_key, group_key, coalesce(convert_to(number::text, 'UTF8'), hash_key) as line_key,
    number is not null as is_numbered
from line
where group_key in (select group_key from contested)
