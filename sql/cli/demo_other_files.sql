-- Loaded transaction files besides these keys.
select count(*)
from metadata.object_version
where source = 'transactions' and status = 'LOADED' and object_key <> all(%s)
