select hash_key, hash_key as group_key, hash_key as line_key, true as is_numbered
from (
    select `customer_hash_key` as hash_key from `staged_customers`
    union
    select h.`customer_hash_key` from lake.raw_vault.`sat_customer_details` as h
) as key
