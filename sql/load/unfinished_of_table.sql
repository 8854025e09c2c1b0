-- What the table has yet to learn, and from which key on: of new objects, and of retracted ones.
select l.object_id, l.loaded_below, l.batches, false as is_retracted
from metadata.vault_load as l
join metadata.object_version as o using (object_id)
where l.object_id = any(%(staged)s) and l.vault_table = %(table)s and l.loaded_below is not null
    and o.source = %(source)s
union all
select v.object_id, v.loaded_below, v.batches, true
from metadata.vault_retraction as v
join metadata.object_version as o using (object_id)
where v.vault_table = %(table)s and v.loaded_below is not null and o.source = %(source)s
order by 1
