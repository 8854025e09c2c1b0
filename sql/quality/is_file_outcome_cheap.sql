-- Not of many rows, and not while a file of the future is there: marts and outcomes then speak of different instants.
select coalesce(sum(rows_read), 0) <= %s
    and not exists (select from metadata.object_version where effective_at > now() and status in ('STAGED', 'LOADED'))
from metadata.object_version
where object_id = any(%s)
