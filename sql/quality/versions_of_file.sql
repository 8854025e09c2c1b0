select jsonb_build_object(
    'object_id', o.object_id, 'version_id', o.version_id, 'source', o.source, 'is_snapshot', o.is_snapshot,
    'effective_at', o.effective_at, 'uploaded_at', o.uploaded_at, 'status', o.status, 'reason', o.reason,
    'run_id', o.run_id, 'retraction', r.cause, 'known_until', r.known_until, 'rows_read', o.rows_read,
    'loaded', o.rows_loaded, 'unchanged', o.rows_unchanged, 'duplicate', o.rows_duplicate,
    'overruled', o.rows_overruled, 'quarantined', o.rows_quarantined
)
from metadata.object_version as o
left join metadata.retraction as r using (object_id)
where o.object_key = %s
order by o.uploaded_at desc, o.object_id desc
