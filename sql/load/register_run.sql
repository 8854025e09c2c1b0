insert into metadata.load_run (run_id, execution_arn, status, started_at, accept_deletions, retract)
values (%s, %s, 'RUNNING', %s, %s, %s)
on conflict (run_id) do nothing
