-- When one customer vanished from complete lists and came back, as entries of a timeline.
select
    effective_at as at,
    'status' as kind,
    concat_ws(':', lpad(record_source::text, 12, '0'), lpad(record_row::text, 12, '0')) as id,
    json_build_object('is_deleted', is_deleted) as data
from (
    select *, lag(is_deleted, 1, false) over (order by effective_at) as before
    from (
        -- of several rows of one instant the one that was known last is right
        select distinct on (s.effective_at) s.*
        from raw_vault.hub_customer as h
        join raw_vault.sat_customer_status as s using (customer_hash_key)
        where h.customer_id = %(customer_id)s
            and (s.effective_at > (select i.in_force_at from metadata.mart_instant as i)) is not true
        order by s.effective_at, s.loaded_at desc
    ) as known
) as status
where is_deleted <> before
