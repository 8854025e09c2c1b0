-- Who made a link may list and end it, and not everybody who may call the API.
alter table metadata.share_link add column created_by text;

comment on column metadata.share_link.created_by is
'Who made it: the subject of a token or the id of an API key, null where callers are not told apart.';
