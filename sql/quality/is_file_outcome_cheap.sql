-- Not of many rows.
select coalesce(sum(rows_read), 0) <= %s
from metadata.object_version
where object_id = any(%s)
