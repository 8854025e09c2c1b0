select effective_at, min(position) as position, max_by(object_id, position) as object_id
from counted
where is_snapshot
group by effective_at
