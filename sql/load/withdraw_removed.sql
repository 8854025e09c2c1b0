-- What was removed from the landing zone before any of it came into the vault.
update metadata.object_version as o
set status = 'WITHDRAWN', reason = 'it was removed from the landing zone before it was loaded'
where o.run_id = %(run_id)s
    and o.status in ('PLANNED', 'STAGED')
    and not exists (select from metadata.vault_load as l where l.object_id = o.object_id)
    and not exists (
        select
        from unnest(%(bucket)s::text[], %(key)s::text[], %(version_id)s::text[], %(etag)s::text[])
            as landed (bucket, key, version_id, etag)
        where (landed.bucket, landed.key, landed.version_id, landed.etag)
            = (o.bucket, o.object_key, o.version_id, o.etag)
    )
