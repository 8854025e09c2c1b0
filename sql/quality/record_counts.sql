-- What became of the staged rows of these objects.
update metadata.object_version as o
set rows_loaded = counted.loaded, rows_unchanged = counted.staged - counted.loaded - o.rows_duplicate
from unnest(%(object_ids)s::bigint[], %(staged)s::bigint[], %(loaded)s::bigint[]) as counted (object_id, staged, loaded)
where o.object_id = counted.object_id
