create or replace view "customer_details_history" as
select
    "hub_customer"."customer_id" as "customer_id",
    "s"."signup_date" as "signup_date",
    "s"."country" as "country",
    "s"."state" as "state",
    "s"."city" as "city",
    "s"."customer_segment" as "customer_segment",
    cast("s"."effective_at" as timestamp(6)) as "effective_at",
    cast("s"."loaded_at" as timestamp(6)) as "loaded_at",
    "s"."record_source" as "record_source"
from "c360_vault"."sat_customer_details" as "s"
join "c360_vault"."hub_customer" as "hub_customer" on "hub_customer"."customer_hash_key" = "s"."customer_hash_key"
