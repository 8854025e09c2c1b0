from unnest(
    %(bucket)s::text[], %(key)s::text[], %(version_id)s::text[], %(etag)s::text[], %(size_bytes)s::bigint[],
    %(uploaded_at)s::timestamptz[], %(source)s::text[], %(is_snapshot)s::boolean[], %(effective_at)s::timestamptz[]
) with ordinality as landed (
    bucket, key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at, position
)
where not exists (
    select
    from metadata.object_version as known
    where (known.bucket, known.object_key, known.version_id, known.etag)
        = (landed.bucket, landed.key, landed.version_id, landed.etag)
)
