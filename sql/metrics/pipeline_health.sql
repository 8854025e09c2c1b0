with lately as (
    select r.*, extract(epoch from coalesce(r.finished_at, now()) - r.started_at) as so_far
    from metadata.load_run as r
    where r.started_at > now() - interval '30 days'
), counted as (
    select coalesce(sum(o.rows_read), 0)::bigint as rows_read, coalesce(sum(o.rows_quarantined), 0)::bigint as rows_quarantined
    from metadata.object_version as o
    where o.run_id in (select run_id from lately)
), rule as (
    select extract(epoch from run_limit) as seconds
    from metadata.reporting
)
select
    l.run_id,
    l.status,
    l.started_at,
    l.finished_at,
    round(extract(epoch from l.finished_at - l.started_at), 3) as seconds,
    rule.seconds as sla_seconds,
    (select count(*) from lately) as runs_30_days,
    (select count(*) from lately where status in ('FAILED', 'TIMED_OUT', 'ABORTED')) as failed_30_days,
    (select count(*) from lately where so_far > rule.seconds) as over_sla_30_days,
    counted.rows_read as rows_read_30_days,
    counted.rows_quarantined as rows_quarantined_30_days,
    (select count(*) from metadata.quarantine where replayed_by is null) as quarantined_waiting
from rule
cross join counted
left join (select * from metadata.load_run order by started_at desc, run_id limit 1) as l on true
