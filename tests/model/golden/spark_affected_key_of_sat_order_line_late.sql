select `link_order_product_hash_key` as hash_key from `staged_transactions`
union
select r.`link_hash_key` from lake.raw_vault.`sat_order_line` as r where r.record_source in (select object_id from retracted)
union
select r.hash_key
from lake.raw_vault.`record_tracking_satellite` as r
where r.satellite = 'sat_order_line' and r.effective_at >= cast(:since as timestamp) and r.record_source in (select object_id from retracted)
