select h.`link_hash_key` as hash_key, min(h.effective_at) as effective_at
from lake.raw_vault.`sat_order_line` as h
join object_position as p on p.object_id = h.record_source
where h.`link_hash_key` in (select hash_key from affected_key)
group by h.`link_hash_key`
