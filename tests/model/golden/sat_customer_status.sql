with counted as materialized (
    select p.object_id, p.position, p.effective_at, o.is_snapshot
    from metadata.object_position as p
    join metadata.object_version as o using (object_id)
    join metadata.vault_load as l using (object_id)
    where p.source = 'customers' and l.vault_table = 'sat_customer_details' and l.loaded_below is null
        and p.effective_at >= %(since)s
), list as (
    -- the complete lists of one instant are one list; what other files said before it does not count
    select effective_at, min(position) as position, (array_agg(object_id order by position desc))[1] as object_id
    from counted
    where is_snapshot
    group by effective_at
), instant as (
    select group_key, effective_at, bool_or(not is_numbered) as is_whole,
        (array_agg(object_id order by position desc))[1] as object_id
    from present
    group by group_key, effective_at
), said as (
    select hash_key, effective_at, false as is_deleted, object_id, record_row
    from present
    union all
    select a.hash_key, l.effective_at, true, l.object_id, 0
    from list as l
    cross join affected_key as a
    join first_observed as f using (hash_key)
    where f.effective_at <= l.effective_at
        and not exists (
            select from present as o where (o.hash_key, o.effective_at) = (a.hash_key, l.effective_at)
        )
        and not exists (
            -- what cannot be read is not absent
            select
            from metadata.unread_key as u
            join counted as c using (object_id)
            where u.hash_key = a.group_key and c.is_snapshot and c.effective_at = l.effective_at
        )
), recorded as materialized (
    select distinct on (s."customer_hash_key", s.effective_at)
        s."customer_hash_key" as hash_key, s.effective_at, s.is_deleted, s.record_source, s.loaded_at
    from "raw_vault"."sat_customer_status" as s
    where s."customer_hash_key" in (select hash_key from affected_key)
    order by s."customer_hash_key", s.effective_at, s.loaded_at desc
), before as (
    select distinct on (hash_key) hash_key, is_deleted
    from recorded
    where effective_at < %(since)s
    order by hash_key, effective_at desc
), stated as (
    select hash_key, effective_at, s.is_deleted as said, r.is_deleted as recorded, r.loaded_at as recorded_at,
        coalesce(s.object_id, r.record_source) as object_id, coalesce(s.record_row, 0) as record_row
    from said as s
    full join (select * from recorded where effective_at >= %(since)s) as r using (hash_key, effective_at)
), carried as (
    -- where nobody says anything (any more), what was said before goes on
    select *, count(said) over (partition by hash_key order by effective_at) as times_said
    from stated
), holding as (
    select c.*, coalesce(b.is_deleted, false) as at_first,
        coalesce(bool_or(c.said) over (partition by hash_key, c.times_said), b.is_deleted, false) as is_deleted
    from carried as c
    left join before as b using (hash_key)
), sequenced as (
    select *, coalesce(lag(is_deleted) over (partition by hash_key order by effective_at), at_first) as previous
    from holding
)
insert into "raw_vault"."sat_customer_status" ("customer_hash_key", effective_at, is_deleted, loaded_at, record_source, record_row)
select hash_key, effective_at, is_deleted, greatest(%(loaded_at)s, recorded_at + interval '1 microsecond'), object_id,
    record_row
from sequenced
where is_deleted <> coalesce(recorded, previous)
