insert into "raw_vault"."hub_customer" ("customer_hash_key", "customer_id", loaded_at, record_source, record_row)
select distinct on ("customer_hash_key") "customer_hash_key", "customer_id", %(loaded_at)s, object_id, row_number
from "staging"."transactions" as named
where object_id = any(%(object_ids)s)
    and not exists (select from "raw_vault"."hub_customer" as h where h."customer_hash_key" = named."customer_hash_key")
order by "customer_hash_key", object_id, row_number
on conflict do nothing
