-- Not of many rows, nor of many files, each of which is asked for alone.
select coalesce(sum(rows_read), 0) <= %s and count(*) <= %s
from metadata.object_version
where object_id = any(%s)
