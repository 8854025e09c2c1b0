insert into "raw_vault"."hub_order" ("order_hash_key", "transaction_id", loaded_at, record_source, record_row)
select distinct on ("order_hash_key") "order_hash_key", "transaction_id", %(loaded_at)s, object_id, row_number
from "staging"."transactions" as named
where object_id = any(%(object_ids)s)
    and not exists (select from "raw_vault"."hub_order" as h where h."order_hash_key" = named."order_hash_key")
order by "order_hash_key", object_id, row_number
