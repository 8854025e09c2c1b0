-- Objects that the table does not hold yet: of none of their keys, so far.
insert into metadata.vault_load (object_id, vault_table, run_id, loaded_below)
select object_id, %(table)s, %(run_id)s, 0
from metadata.object_version
where object_id = any(%(staged)s) and source = %(source)s
on conflict do nothing
