-- What a run that has ended left behind: all of it, or only these keys, or only these days.
update metadata.object_version as o
set run_id = %(run_id)s
where o.status in ('PLANNED', 'STAGED')
    and (not %(only_these)s or o.object_key = any(%(key)s))
    and (%(since)s::timestamptz is null or o.effective_at >= %(since)s)
    and (%(until)s::timestamptz is null or o.effective_at < %(until)s)
    and o.run_id in (
        select run_id
        from metadata.load_run
        where status <> 'RUNNING'
    )
