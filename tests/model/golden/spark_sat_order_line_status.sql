with instant as (
    select group_key, effective_at, bool_or(not is_numbered) as is_whole, max_by(object_id, position) as object_id
    from present
    group by group_key, effective_at
), said as (
    select hash_key, effective_at, false as is_deleted, object_id, record_row
    from present
    union all
    select a.hash_key, l.effective_at, true, l.object_id, 0L
    from list as l
    cross join affected_key as a
    join first_observed as f on f.hash_key = a.hash_key
    where f.effective_at <= l.effective_at
        and not exists (
            select 1 from present as o where o.hash_key = a.hash_key and o.effective_at = l.effective_at
        )
        and not exists (
            -- what cannot be read is not absent
            select 1
            from unread_key as u
            join counted as c on c.object_id = u.object_id
            where u.hash_key = a.group_key and c.is_snapshot and c.effective_at = l.effective_at
        )
    union all
    select a.hash_key, i.effective_at, true, i.object_id, 0L
    from instant as i
    join affected_key as a on a.group_key = i.group_key
    join first_observed as f on f.hash_key = a.hash_key
    left join present as same
        on same.group_key = a.group_key and same.line_key = a.line_key and same.effective_at = i.effective_at
    where f.effective_at <= i.effective_at
        and not exists (
            select 1 from present as o where o.hash_key = a.hash_key and o.effective_at = i.effective_at
        )
        and not exists (select 1 from list as l where l.effective_at = i.effective_at)
        and (i.is_whole or not a.is_numbered or same.hash_key is not null)
), placed as (
    select s.`link_hash_key` as hash_key, s.effective_at, s.is_deleted, s.record_source, s.loaded_at,
        row_number() over (partition by s.`link_hash_key`, s.effective_at order by s.loaded_at desc) as place
    from lake.raw_vault.`sat_order_line_status` as s
    where s.`link_hash_key` in (select hash_key from affected_key)
), recorded as (
    select hash_key, effective_at, is_deleted, record_source, loaded_at from placed where place = 1
), before as (
    select hash_key, max_by(is_deleted, effective_at) as is_deleted
    from recorded
    where effective_at < cast(:since as timestamp)
    group by hash_key
), stated as (
    select coalesce(s.hash_key, r.hash_key) as hash_key, coalesce(s.effective_at, r.effective_at) as effective_at,
        s.is_deleted as said, r.is_deleted as recorded, r.loaded_at as recorded_at,
        coalesce(s.object_id, r.record_source) as object_id, coalesce(s.record_row, 0L) as record_row
    from said as s
    full join (select * from recorded where effective_at >= cast(:since as timestamp)) as r
        on r.hash_key = s.hash_key and r.effective_at = s.effective_at
), carried as (
    -- where nobody says anything (any more), what was said before goes on
    select *, count(said) over (partition by hash_key order by effective_at) as times_said
    from stated
), holding as (
    select c.*, coalesce(b.is_deleted, false) as at_first,
        coalesce(bool_or(c.said) over (partition by c.hash_key, c.times_said), b.is_deleted, false) as is_deleted
    from carried as c
    left join before as b on b.hash_key = c.hash_key
), sequenced as (
    select *, coalesce(lag(is_deleted) over (partition by hash_key order by effective_at), at_first) as previous
    from holding
)
select hash_key as `link_hash_key`, effective_at, is_deleted,
    greatest(cast(:loaded_at as timestamp), recorded_at + interval '1' microsecond) as loaded_at, object_id as record_source, record_row,
    1 as hash_version
from sequenced
where is_deleted <> coalesce(recorded, previous)
