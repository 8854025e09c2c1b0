with observed as (
    select s.`order_hash_key` as hash_key, s.`sat_order_details_hashdiff` as hashdiff, p.effective_at, p.position,
        s.object_id, s.row_number, s.`order_date`, s.`payment_method`, s.`order_status`, 2 as origin
    from `staged_transactions` as s
    join object_position as p on p.object_id = s.object_id
    where p.source = 'transactions'
), placed as (
    select *, row_number() over (partition by hash_key order by row_number desc) as place
    from observed
)
select *, true as is_version
from placed
where place = 1
