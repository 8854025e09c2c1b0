-- The snapshots among these objects. Of several at one instant (a file and its replacement) the last one counts.
select distinct on (o.source, o.effective_at) o.object_id, o.object_key, o.source, o.effective_at
from metadata.object_version as o
join metadata.object_position as p using (object_id)
where o.object_id = any(%s)
    and o.is_snapshot
order by o.source, o.effective_at, p.position desc
