-- What the files that count have said of one customer, in the order in which it counts.
select
    s.*,
    o.object_key,
    o.run_id,
    row_number() over w as position,
    lag(s.hashdiff) over w is distinct from s.hashdiff as differs
from raw_vault.hub_customer as h
join raw_vault.sat_customer_details as s using (customer_hash_key)
join metadata.object_version as o on o.object_id = s.record_source
where h.customer_id = %(customer_id)s and s.record_source not in (select object_id from metadata.uncounted_object)
window w as (order by s.effective_at, o.object_key, o.uploaded_at, o.object_id, s.record_row)
