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
    where l.record_source <> all(%(object_ids)s)
        and l."order_hash_key" in (select "order_hash_key" from "staging"."transactions" where object_id = any(%(object_ids)s))
    union
    -- of what comes before a complete list
    select "order_hash_key"
    from "staging"."transactions"
    where object_id = any(%(object_ids)s) and exists (
        select from metadata.object_version where source = 'transactions' and is_snapshot and effective_at >= %(since)s
    )
    union
    select l."order_hash_key"
    from "raw_vault"."link_order_product" as l
    where l."link_hash_key" in (
        select h."link_hash_key" from "raw_vault"."sat_order_line" as h where h.record_source = any(%(retracted)s)
        union all
        select t.hash_key
        from raw_vault.record_tracking_satellite as t
        where t.satellite = 'sat_order_line' and t.effective_at >= %(since)s and t.record_source = any(%(retracted)s)
    )
), line as (
    select "link_order_product_hash_key" as hash_key, "order_hash_key" as group_key, "line_number" as number from "staging"."transactions"
    union
    select "link_hash_key", "order_hash_key", "line_number" from "raw_vault"."link_order_product"
)
select hash_key, group_key, coalesce(convert_to(number::text, 'UTF8'), hash_key) as line_key,
    number is not null as is_numbered
from line
where group_key in (select group_key from contested)
