select hash_key, hash_key as group_key, hash_key as line_key, true as is_numbered
from (
    select `customer_hash_key` as hash_key from `staged_customers` where object_id in (select object_id from claimed)
    union
    select h.`customer_hash_key` from lake.raw_vault.`sat_customer_details` as h where h.record_source in (select object_id from retracted)
    union
    select t.hash_key
    from lake.raw_vault.`record_tracking_satellite` as t
    where t.satellite = 'sat_customer_details' and t.effective_at >= cast(:since as timestamp)
        and t.record_source in (select object_id from retracted)
) as key
