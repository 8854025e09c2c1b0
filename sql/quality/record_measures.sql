-- To what is known of each measure of these objects, what it came to at further stages.
update metadata.object_version as o
set measures = o.measures || (
    select jsonb_object_agg(measure.name, o.measures -> measure.name || measure.sums)
    from jsonb_each(followed.measures) as measure (name, sums)
)
from unnest(%(object_ids)s::bigint[], %(measures)s::jsonb[]) as followed (object_id, measures)
where o.object_id = followed.object_id
