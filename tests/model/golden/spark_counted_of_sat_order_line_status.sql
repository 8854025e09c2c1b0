select p.object_id, p.position, p.effective_at, p.is_snapshot
from object_position as p
where p.source = 'transactions' and p.effective_at >= cast(:since as timestamp)
    and p.object_id in (select object_id from held where vault_table = 'sat_order_line')
