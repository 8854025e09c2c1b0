-- Runs that died with their database, or with their LocalStack: nobody could record their end.
update metadata.load_run
set
    status = 'ABORTED',
    finished_at = clock_timestamp(),
    error = 'C360.RunVanished',
    cause = 'Step Functions does not run it any more, and nothing recorded how it ended'
where status = 'RUNNING'
    and run_id <> %(run_id)s
    and case
        when %(running)s::text[] is null then started_at < now() - %(abandoned_after)s::interval
        else execution_arn <> all(%(running)s::text[]) and started_at < now() - %(listed_after)s::interval
    end
