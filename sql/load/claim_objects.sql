-- New object versions, those that became true first, as many as the run may still take.
insert into metadata.object_version (
    bucket, object_key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at, status, run_id
)
select bucket, key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at, 'PLANNED', %(run_id)s
from (
    select *
    {new}
    order by effective_at, position
    limit greatest(0, %(most)s - (select count(*) from metadata.object_version where run_id = %(run_id)s))
) as new
order by position
on conflict (bucket, object_key, version_id, etag) do nothing
