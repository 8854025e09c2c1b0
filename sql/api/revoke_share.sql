-- Ends a link; one that was ended before stays as it was.
update metadata.share_link
set revoked_at = coalesce(revoked_at, now())
where share_id = %(share_id)s
returning share_id
