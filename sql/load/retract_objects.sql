-- What the run takes back, and what a newer version of its key, which the run loads, replaces: if the vault has it.
insert into metadata.retraction (object_id, run_id, cause, known_until)
select o.object_id, %(run_id)s, case when newer.is_there then 'REPLACED' else 'RETRACTED' end, %(loaded_at)s
from metadata.object_version as o
cross join lateral (
    select exists (
        select
        from metadata.object_version as newer
        where (newer.bucket, newer.object_key, newer.effective_at) = (o.bucket, o.object_key, o.effective_at)
            and (newer.uploaded_at, newer.object_id) > (o.uploaded_at, o.object_id)
            and newer.run_id = %(run_id)s
            and (
                newer.status = 'STAGED'
                or newer.status = 'REPEATED' and newer.content_sha256 is distinct from o.content_sha256
            )
    ) or o.status = 'REPLACED' as is_there
) as newer
where (
        o.object_key in (
            select unnest(retract) from metadata.load_run where run_id = %(run_id)s
        )
        or (o.bucket, o.object_key) in (
            select bucket, object_key from metadata.object_version where run_id = %(run_id)s
        )
        and newer.is_there
    )
    and exists (select from metadata.vault_load as l where l.object_id = o.object_id)
on conflict (object_id) do nothing
