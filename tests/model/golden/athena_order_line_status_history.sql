create or replace view "order_line_status_history" as
select
    "hub_order"."transaction_id" as "transaction_id",
    "hub_product"."product_id" as "product_id",
    "l"."line_number" as "line_number",
    "s"."is_deleted" as "is_deleted",
    cast("s"."effective_at" as timestamp(6)) as "effective_at",
    cast("s"."loaded_at" as timestamp(6)) as "loaded_at",
    "s"."record_source" as "record_source"
from "c360_vault"."sat_order_line_status" as "s"
join "c360_vault"."link_order_product" as "l" on "l"."link_hash_key" = "s"."link_hash_key"
join "c360_vault"."hub_order" as "hub_order" on "hub_order"."order_hash_key" = "l"."order_hash_key"
join "c360_vault"."hub_product" as "hub_product" on "hub_product"."product_hash_key" = "l"."product_hash_key"
