-- Runs that were under way when LocalStack ended have lost their executions: nobody else would finish their records.
update metadata.load_run
set status = 'ABORTED',
    finished_at = now(),
    error = 'LocalStackRestarted',
    cause = 'LocalStack was restarted while the run was under way; start it again'
where status = 'RUNNING'
