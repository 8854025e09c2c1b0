select o.object_id
from metadata.object_version as o
where o.object_id = any(%s)
    and o.rows_read is distinct from o.rows_loaded + o.rows_unchanged + o.rows_duplicate + o.rows_omitted
        + (select count(*) from metadata.quarantine as q where q.object_id = o.object_id)
