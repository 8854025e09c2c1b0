select extract(epoch from run.started_at - newest.effective_at) / 86400
from metadata.load_run as run
cross join lateral (
    select max(effective_at) as effective_at
    from metadata.object_version
    where source = %s
        and status in ('STAGED', 'LOADED')
        -- a file dated in the future would hide for as long that no other comes
        and effective_at <= run.started_at
) as newest
where run.run_id = %s
