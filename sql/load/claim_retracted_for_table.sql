-- Retracted objects that the history in the table still counts.
insert into metadata.vault_retraction (object_id, vault_table, run_id, loaded_below)
select r.object_id, %(table)s, %(run_id)s, 0
from metadata.retraction as r
join metadata.object_version as o using (object_id)
join metadata.vault_load as l on l.object_id = r.object_id and l.vault_table = %(history_of)s
where o.source = %(source)s
on conflict do nothing
