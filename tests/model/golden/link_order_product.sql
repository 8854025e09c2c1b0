insert into "raw_vault"."link_order_product" (link_hash_key, "order_hash_key", "product_hash_key", "line_number", loaded_at, record_source, record_row)
select distinct on ("link_order_product_hash_key") "link_order_product_hash_key", "order_hash_key", "product_hash_key", "line_number", %(loaded_at)s, object_id, row_number
from "staging"."transactions" as named
where object_id = any(%(object_ids)s)
    and not exists (select from "raw_vault"."link_order_product" as h where h.link_hash_key = named."link_order_product_hash_key")
order by "link_order_product_hash_key", object_id, row_number
