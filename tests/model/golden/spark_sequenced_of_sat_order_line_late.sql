with observed as (
    select s.`link_order_product_hash_key` as hash_key, s.`sat_order_line_hashdiff` as hashdiff, p.effective_at, p.position,
        s.object_id, s.row_number, s.`quantity`, s.`unit_price`, s.`total_amount`, 2 as origin
    from `staged_transactions` as s
    join object_position as p on p.object_id = s.object_id
    where p.source = 'transactions' and not s.is_overruled and s.is_last
    union all
    select h.`link_hash_key`, h.hashdiff, p.effective_at, p.position, h.record_source, h.record_row, null, null, null, 0
    from lake.raw_vault.`sat_order_line` as h
    join object_position as p on p.object_id = h.record_source
    where h.`link_hash_key` in (select hash_key from affected_key) and p.source = 'transactions'
    union all
    select t.hash_key, t.hashdiff, p.effective_at, p.position, t.record_source, t.record_row, null, null, null, 1
    from lake.raw_vault.`record_tracking_satellite` as t
    join object_position as p on p.object_id = t.record_source
    where t.satellite = 'sat_order_line' and t.effective_at >= cast(:since as timestamp) and p.source = 'transactions'
        and t.hash_key in (select hash_key from affected_key)
), spoken as (
    select *, not (lead(object_id) over in_order <=> object_id) as is_last_of_object
    from observed
    window in_order as (partition by hash_key order by position, row_number, origin desc)
)
select *, not (lag(hashdiff) over in_order <=> hashdiff) as is_version
from spoken
where is_last_of_object
window in_order as (partition by hash_key order by position, row_number, origin desc)
