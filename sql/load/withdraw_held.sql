-- Held lists that somebody removed from the landing zone, or replaced there.
update metadata.object_version as o
set run_id = %(run_id)s, status = 'WITHDRAWN', reason = 'it was removed or replaced before it was loaded'
where o.status = 'HELD'
    and o.run_id <> %(run_id)s
    and not %(only_these)s
    and %(since)s::timestamptz is null
    and %(until)s::timestamptz is null
    and (
        not exists (
            select
            from unnest(%(bucket)s::text[], %(key)s::text[], %(version_id)s::text[], %(etag)s::text[])
                as landed (bucket, key, version_id, etag)
            where (landed.bucket, landed.key, landed.version_id, landed.etag)
                = (o.bucket, o.object_key, o.version_id, o.etag)
        )
        or exists (
            select
            from metadata.object_version as newer
            where (newer.bucket, newer.object_key, newer.effective_at) = (o.bucket, o.object_key, o.effective_at)
                and (newer.uploaded_at, newer.object_id) > (o.uploaded_at, o.object_id)
        )
    )
