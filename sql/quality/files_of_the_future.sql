select o.source, o.object_key
from metadata.object_version as o
join metadata.load_run as run using (run_id)
where run.run_id = %s and o.status = 'STAGED' and o.effective_at > run.started_at and o.effective_at > o.uploaded_at
order by o.source, o.object_key
