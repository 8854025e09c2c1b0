-- Held lists that the run is asked for, or whose deletions it accepts.
update metadata.object_version as o
set run_id = %(run_id)s, status = 'PLANNED', reason = null
where o.status = 'HELD'
    and o.run_id <> %(run_id)s
    and case when %(only_these)s then o.object_key = any(%(key)s) else %(accept_deletions)s end
    and (%(since)s::timestamptz is null or o.effective_at >= %(since)s)
    and (%(until)s::timestamptz is null or o.effective_at < %(until)s)
