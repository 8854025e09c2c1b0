-- Ends a link of this caller, or anybody's; one that was ended before stays as it was.
update metadata.share_link
set revoked_at = coalesce(revoked_at, now())
where share_id = %(share_id)s and (%(anybodys)s or created_by is not distinct from %(caller)s::text)
returning share_id
