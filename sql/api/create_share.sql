-- A new link, and the key that signs its token.
with made as (
    insert into metadata.share_link (expires_at, view, filters_locked, personal, note, created_by)
    values (
        now() + make_interval(days => %(expires_in_days)s), %(view)s::jsonb, %(filters_locked)s, %(personal)s, %(note)s,
        %(created_by)s
    )
    returning *
)
select
    k.key,
    m.share_id,
    json_build_object(
        'share_id', m.share_id, 'created_at', m.created_at, 'expires_at', m.expires_at, 'revoked_at', m.revoked_at,
        'view', m.view, 'filters_locked', m.filters_locked, 'personal', m.personal, 'note', m.note
    )::text
from made as m
cross join metadata.share_key as k
