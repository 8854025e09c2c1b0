-- What a run that has ended left behind: all of it, or only these keys, or only these days.
update metadata.object_version as held
set run_id = %(run_id)s
where held.status in ('PLANNED', 'STAGED')
    and (not %(only_these)s or held.object_key = any(%(key)s))
    and (%(since)s::timestamptz is null or held.effective_at >= %(since)s)
    and (%(until)s::timestamptz is null or held.effective_at < %(until)s)
    and held.run_id in (
        select run_id
        from metadata.load_run
        where status <> 'RUNNING' or started_at < now() - %(abandoned_after)s::interval
    )
