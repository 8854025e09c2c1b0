create temp table affected_key on commit drop as
select hash_key, hash_key as group_key, hash_key as line_key, true as is_numbered
from (
    select "customer_hash_key" as hash_key from "staging"."customers" where object_id = any(%(object_ids)s)
    union
    select h."customer_hash_key" from "raw_vault"."sat_customer_details" as h
) as key
