-- The objects that count and are in force, in the order in which the versions of one key follow each other. No temporary
-- table, which parallel workers could not read; nobody else sees it, as it is dropped before the publication ends.
create unlogged table staging.counted_object as
select
    object_id,
    source,
    row_number() over (order by effective_at, object_key, uploaded_at, object_id)::integer as place
from metadata.object_version
where object_id not in (select u.object_id from metadata.uncounted_object as u);

analyze staging.counted_object
