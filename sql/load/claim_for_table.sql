-- Objects that the table does not hold yet.
insert into metadata.vault_load (object_id, vault_table, run_id)
select object_id, %(table)s, %(run_id)s
from metadata.object_version
where object_id = any(%(staged)s) and source = %(source)s
on conflict do nothing
returning object_id
