-- When one customer vanished from complete lists and came back, as entries of a timeline.
select
    s.effective_at as at,
    'status' as kind,
    concat_ws(':', lpad(s.record_source::text, 12, '0'), lpad(s.record_row::text, 12, '0')) as id,
    json_build_object('is_deleted', s.is_deleted) as data
from raw_vault.hub_customer as h
join raw_vault.sat_customer_status as s using (customer_hash_key)
where h.customer_id = %(customer_id)s
