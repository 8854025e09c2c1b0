with observed as (
    select h.`customer_hash_key` as hash_key, c.effective_at, c.position, c.object_id, h.record_row
    from lake.raw_vault.`sat_customer_details` as h
    join counted as c on c.object_id = h.record_source
    where h.`customer_hash_key` in (select hash_key from affected_key) and h.effective_at >= cast(:since as timestamp)
    union all
    select t.hash_key, c.effective_at, c.position, c.object_id, t.record_row
    from lake.raw_vault.`record_tracking_satellite` as t
    join counted as c on c.object_id = t.record_source
    where t.satellite = 'sat_customer_details' and t.effective_at >= cast(:since as timestamp)
        and t.hash_key in (select hash_key from affected_key)
), placed as (
    select a.hash_key, a.group_key, a.line_key, a.is_numbered, t.effective_at, t.position, t.object_id, t.record_row,
        row_number() over (
            partition by a.group_key, a.line_key, t.effective_at order by t.position desc, t.record_row desc
        ) as place
    from observed as t
    join affected_key as a on a.hash_key = t.hash_key
    left join list as l on l.effective_at = t.effective_at
    where l.position is null or t.position >= l.position
)
select hash_key, group_key, line_key, is_numbered, effective_at, position, object_id, record_row
from placed
where place = 1
