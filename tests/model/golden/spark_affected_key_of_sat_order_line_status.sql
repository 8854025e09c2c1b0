with contested as (
    select `order_hash_key` as group_key
    from `staged_transactions`
    group by `order_hash_key`
    having min(object_id) <> max(object_id)
    union
    select l.`order_hash_key`
    from lake.raw_vault.`link_order_product` as l
    where not exists (select 1 from claimed as c where c.object_id = l.record_source)
        and l.`order_hash_key` in (select `order_hash_key` from `staged_transactions`)
    union
    -- of what comes before a complete list
    select `order_hash_key`
    from `staged_transactions`
    where exists (
        select 1 from object_position where source = 'transactions' and is_snapshot and effective_at >= cast(:since as timestamp)
    )
    union
    select l.`order_hash_key`
    from lake.raw_vault.`link_order_product` as l
    where l.`link_hash_key` in (
        select h.`link_hash_key` from lake.raw_vault.`sat_order_line` as h where h.record_source in (select object_id from retracted)
        union all
        select t.hash_key
        from lake.raw_vault.`record_tracking_satellite` as t
        where t.satellite = 'sat_order_line' and t.effective_at >= cast(:since as timestamp)
            and t.record_source in (select object_id from retracted)
    )
)
select `link_hash_key` as hash_key, `order_hash_key` as group_key, coalesce(encode(cast(`line_number` as string), 'UTF-8'), `link_hash_key`) as line_key, `line_number` is not null as is_numbered
from lake.raw_vault.`link_order_product`
where `order_hash_key` in (select group_key from contested)
