-- The first effective instant of these objects, and whether the table holds an object that comes after it.
with position as (
    select object_id, effective_at, position from metadata.object_position where source = %(source)s
), first as (
    select min(effective_at) as since, min(position) as position
    from position
    where object_id = any(%(object_ids)s)
)
select first.since, exists (
    select
    from position
    join metadata.vault_load as l using (object_id)
    where l.vault_table = %(table)s
        and position.object_id <> all(%(object_ids)s)
        and position.position > first.position
)
from first
