-- What a key says at one instant is what its newest version says that could be read.
update metadata.object_version as o
set status = 'REPLACED', reason = 'a later version of this object has replaced it', rows_read = null,
    rows_quarantined = null, rows_duplicate = null, rows_overruled = null, measures = '{}'
where o.run_id = %(run_id)s
    and o.status = 'STAGED'
    and exists (
        select
        from metadata.object_version as newer
        where (newer.bucket, newer.object_key, newer.effective_at) = (o.bucket, o.object_key, o.effective_at)
            and (newer.uploaded_at, newer.object_id) > (o.uploaded_at, o.object_id)
            and (
                newer.status = 'LOADED'
                or newer.run_id = %(run_id)s and newer.status = 'STAGED'
                or newer.run_id = %(run_id)s and newer.status = 'REPEATED'
                and newer.content_sha256 is distinct from o.content_sha256
            )
    )
returning o.source, o.object_id
