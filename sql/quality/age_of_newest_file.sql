select extract(epoch from run.started_at - newest.effective_at) / 86400
from metadata.load_run as run
cross join lateral (
    select max(effective_at) as effective_at
    from metadata.object_version
    where source = %s
        and status in ('STAGED', 'LOADED')
) as newest
where run.run_id = %s
