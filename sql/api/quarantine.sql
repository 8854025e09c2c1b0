-- The rows that were set aside and why; not what stands in them.
select
    q.quarantine_id,
    o.object_key as file,
    o.run_id,
    q.row_number as row,
    q.line_number as line,
    q.reasons,
    q.quarantined_at,
    q.replayed_by is not null as replayed
from metadata.quarantine as q
join metadata.object_version as o using (object_id)
