-- One nightly load with its steps and its files.
select json_build_object(
    'run_id', r.run_id,
    'status', r.status,
    'started_at', r.started_at,
    'finished_at', r.finished_at,
    'seconds', round(extract(epoch from r.finished_at - r.started_at), 3),
    'error', r.error,
    'sla_seconds', extract(epoch from p.run_limit),
    'within_sla', r.finished_at - r.started_at <= p.run_limit,
    'files', count(o.object_id),
    'rows_read', coalesce(sum(o.rows_read), 0)::bigint,
    'rows_loaded', coalesce(sum(o.rows_loaded), 0)::bigint,
    'rows_unchanged', coalesce(sum(o.rows_unchanged), 0)::bigint,
    'rows_duplicate', coalesce(sum(o.rows_duplicate), 0)::bigint,
    'rows_quarantined', coalesce(sum(o.rows_quarantined), 0)::bigint,
    'steps', (
        select coalesce(json_agg(to_jsonb(taken) - 'object_key' order by taken.started_at, taken.step, taken.object_key), '[]')
        from (
            select
                s.step,
                f.object_key,
                {file} as file,
                s.started_at,
                s.finished_at,
                round(extract(epoch from s.finished_at - s.started_at), 3) as seconds,
                s.rows
            from metadata.load_step as s
            left join metadata.object_version as f using (object_id)
            where s.run_id = r.run_id
            order by s.started_at, s.step, f.object_key
            limit 1000
        ) as taken
    ),
    'object_versions', (
        select coalesce(json_agg(to_jsonb(listed) - 'object_key' order by listed.object_key), '[]')
        from (
            select
                f.object_key,
                {file} as file,
                f.status,
                f.reason,
                f.rows_read,
                f.rows_loaded,
                f.rows_unchanged,
                f.rows_duplicate,
                f.rows_quarantined
            from metadata.object_version as f
            where f.run_id = r.run_id
            order by f.object_key
            limit 1000
        ) as listed
    )
)::text
from metadata.load_run as r
cross join business_vault.vw_reporting as p
left join metadata.object_version as o on o.run_id = r.run_id
where r.run_id = %(run_id)s
group by r.run_id, r.status, r.started_at, r.finished_at, r.error, p.run_limit
