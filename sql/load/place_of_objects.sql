-- The first effective instant of these objects and of retracted ones, whether the table holds an object that comes after
-- a new one, whether it holds no other, how many rows the new ones have, and how many the table (-1: not counted yet).
with position as (
    select p.object_id, p.position, l.object_id is not null as is_held
    from metadata.object_position as p
    left join metadata.vault_load as l on l.object_id = p.object_id and l.vault_table = %(table)s
    where p.source = %(source)s
), other as (
    select position from position where is_held and object_id <> all(%(object_ids)s)
)
select
    (
        select min(effective_at) from metadata.object_version
        where object_id = any(%(object_ids)s::bigint[] || %(retracted)s::bigint[])
    ),
    (select max(position) from other)
    > (select min(position) from position where object_id = any(%(object_ids)s)),
    not exists (select from other),
    (select coalesce(sum(rows_read), 0)::bigint from metadata.object_version where object_id = any(%(object_ids)s)),
    (select reltuples::bigint from pg_class where oid = to_regclass(format('raw_vault.%%I', %(table)s::text)))
