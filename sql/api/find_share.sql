-- The key that signs tokens, and the link with this id, if there is one.
select k.key, l.view::text, l.filters_locked, l.personal, l.expires_at, l.revoked_at
from metadata.share_key as k
left join metadata.share_link as l on l.share_id = %(share_id)s
