-- The complete lists of a run, each of one source and instant: its objects, and how many of its rejected rows are about a
-- key that cannot be read.
select
    o.source,
    o.effective_at,
    array_agg(o.object_id order by o.object_id) as object_ids,
    array_agg(o.object_key order by o.object_key) as keys,
    (
        select count(*)
        from metadata.unread_key as u
        where u.hash_key is null and u.object_id = any(array_agg(o.object_id))
    ) as unread
from metadata.object_version as o
where o.run_id = %(run_id)s
    and o.status = 'STAGED'
    and o.is_snapshot
group by o.source, o.effective_at
order by o.source, o.effective_at
