select jsonb_build_object(
    'quarantine_id', q.quarantine_id, 'file', o.object_key, 'version_id', o.version_id, 'source', o.source,
    'effective_at', o.effective_at, 'is_snapshot', o.is_snapshot, 'line', q.line_number, 'row', q.row_number,
    'reasons', q.reasons, 'raw', q.raw, 'raw_text', q.raw_text, 'quarantined_at', q.quarantined_at,
    'run_id', o.run_id, 'replayed_by', r.object_key
)
from metadata.quarantine as q
join metadata.object_version as o using (object_id)
left join metadata.object_version as r on r.object_id = q.replayed_by
where q.quarantine_id > %(after)s
    and (%(ids)s::bigint[] is null or q.quarantine_id = any(%(ids)s))
    and (%(file)s::text is null or o.object_key = %(file)s or o.object_key like %(file_pattern)s)
    and (%(rule)s::text is null or exists (
        select from unnest(q.reasons) as reason where reason = %(rule)s or reason like %(rule_pattern)s
    ))
    and (%(run)s::text is null or o.run_id = %(run)s)
    and (%(replayed)s or q.replayed_by is null)
    and not exists (select from metadata.retraction as gone where gone.object_id = q.object_id)
order by q.quarantine_id
limit %(limit)s
