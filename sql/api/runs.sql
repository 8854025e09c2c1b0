-- The nightly loads, with what became of their rows.
select
    r.run_id,
    r.status,
    r.started_at,
    r.finished_at,
    round(extract(epoch from r.finished_at - r.started_at), 3) as seconds,
    extract(epoch from p.run_limit) as sla_seconds,
    r.finished_at - r.started_at <= p.run_limit as within_sla,
    r.error,
    f.files,
    f.rows_read,
    f.rows_loaded,
    f.rows_unchanged,
    f.rows_duplicate,
    f.rows_quarantined
from metadata.load_run as r
cross join business_vault.vw_reporting as p
cross join lateral (
    select
        count(*) as files,
        coalesce(sum(rows_read), 0)::bigint as rows_read,
        coalesce(sum(rows_loaded), 0)::bigint as rows_loaded,
        coalesce(sum(rows_unchanged), 0)::bigint as rows_unchanged,
        coalesce(sum(rows_duplicate), 0)::bigint as rows_duplicate,
        coalesce(sum(rows_quarantined), 0)::bigint as rows_quarantined
    from metadata.object_version
    where run_id = r.run_id
) as f
