-- New object versions, those that became true first, as many as the run may still take: as files, and as partitions of
-- staging. Very many small files share partitions, so they get ids that lie together, apart from those of large ones. The
-- versions of a key stay in order: when they were uploaded in one second, their ids say which is the newer.
with held as (
    select
        count(*) as files,
        count(*) filter (where s.object_id is null) + count(distinct s.first_object) * %(shared_counts)s as partitions
    from metadata.object_version as o
    left join metadata.shared_object as s using (object_id)
    where o.run_id = %(run_id)s
), new as (
    select *, max(size_bytes) over (partition by bucket, key) > %(small_bytes)s as is_large
    {new}
), weighed as (
    select
        *,
        case
            when is_large then greatest(1, size_bytes::numeric / %(shared_bytes)s)
            else %(shared_counts)s * greatest(1.0 / %(shared_files)s, size_bytes::numeric / %(shared_bytes)s)
        end as partitions
    from new
), placed as (
    select
        *,
        row_number() over (order by effective_at, position) as place,
        sum(partitions) over (order by effective_at, position) - partitions as partitions_before
    from weighed
), claimed as (
    insert into metadata.object_version (
        bucket, object_key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at, status, run_id
    )
    select
        bucket, key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at, 'PLANNED', %(run_id)s
    from placed
    where place <= %(most_files)s - (select files from held)
        and partitions_before < %(most_partitions)s - (select partitions from held)
    order by is_large, position
    on conflict (bucket, object_key, version_id, etag) do nothing
    returning object_id, source, size_bytes
), small as (
    select
        object_id,
        source,
        ceil(
            sum(greatest(1.0 / %(shared_files)s, size_bytes::numeric / %(shared_bytes)s))
            over (partition by source order by object_id)
        ) as number
    from claimed
    where (select count(*) from claimed) >= %(shared_from)s
        and (
            object_id < (select min(object_id) from claimed where size_bytes > %(small_bytes)s)
            or not exists (select from claimed where size_bytes > %(small_bytes)s)
        )
)
insert into metadata.shared_partition (first_object, end_object, source)
select min(object_id), max(object_id) + 1, source
from small
group by source, number
