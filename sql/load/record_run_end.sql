insert into metadata.load_run as run (
    run_id, execution_arn, status, started_at, finished_at, error, cause
)
values (%(run_id)s, %(execution_arn)s, %(status)s, %(started_at)s, %(finished_at)s, %(error)s, %(cause)s)
on conflict (run_id) do update set
    status = excluded.status,
    finished_at = excluded.finished_at,
    error = excluded.error,
    cause = excluded.cause
where run.status = 'RUNNING'
