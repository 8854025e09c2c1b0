with contested as (
    select `order_hash_key` as group_key
    from `staged_transactions`
    where object_id in (select object_id from claimed)
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
