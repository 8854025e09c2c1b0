with observed as (
    select s.`link_order_product_hash_key` as hash_key, s.`sat_order_line_hashdiff` as hashdiff, p.effective_at, p.position,
        s.object_id, s.row_number, s.`quantity`, s.`unit_price`, s.`total_amount`, 2 as origin
    from `staged_transactions` as s
    join object_position as p on p.object_id = s.object_id
    where p.source = 'transactions' and not s.is_overruled and s.is_last
)
select *, true as is_version
from observed
