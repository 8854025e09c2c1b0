-- What S3 did not hand out before: a few times by itself, then only when somebody asks for it.
update metadata.object_version as o
set run_id = %(run_id)s, status = 'PLANNED'
where o.status = 'UNREADABLE'
    and o.run_id <> %(run_id)s
    and case when %(only_these)s then o.object_key = any(%(key)s) else o.attempts < %(read_attempts)s end
    and (%(since)s::timestamptz is null or o.effective_at >= %(since)s)
    and (%(until)s::timestamptz is null or o.effective_at < %(until)s)
