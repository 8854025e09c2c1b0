insert into "raw_vault"."link_customer_order" (link_hash_key, "customer_hash_key", "order_hash_key", loaded_at, record_source, record_row)
select distinct on ("link_customer_order_hash_key") "link_customer_order_hash_key", "customer_hash_key", "order_hash_key", %(loaded_at)s, object_id, row_number
from "staging"."transactions" as named
where object_id = any(%(object_ids)s)
    and not exists (select from "raw_vault"."link_customer_order" as h where h.link_hash_key = named."link_customer_order_hash_key")
order by "link_customer_order_hash_key", object_id, row_number
