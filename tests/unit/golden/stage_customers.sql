with completed as (
    select row_number, "customer_id", "first_name", "last_name", "email", "phone", "signup_date", "country", "state", "city", "customer_segment"
    from "raw_rows"
), judged as materialized (
    select *, "customer_id" is not null and coalesce(octet_length("customer_id"), 0) <= 1000 and ("signup_date" is null or "signup_date" like '____-__-__' and translate("signup_date", '0123456789-', '') = '' and pg_input_is_valid("signup_date", 'date')) as is_valid
    from completed
), rejected as (
    insert into metadata.quarantine (object_id, row_number, raw, reasons)
    select %(object_id)s, row_number, to_jsonb(judged) - 'row_number' - 'is_valid', array_remove(array[
        case when not "customer_id" is not null then 'customer_id.required' end,
        case when not coalesce(octet_length("customer_id"), 0) <= 1000 then 'customer_id.length' end,
        case when not ("signup_date" is null or "signup_date" like '____-__-__' and translate("signup_date", '0123456789-', '') = '' and pg_input_is_valid("signup_date", 'date')) then 'signup_date.type' end
    ], null)
    from judged
    where not is_valid
)
insert into "staging"."customers" ("object_id", "row_number", "customer_id", "first_name", "last_name", "email", "phone", "signup_date", "country", "state", "city", "customer_segment", "customer_hash_key", "sat_customer_details_hashdiff")
select %(object_id)s,
    "row_number",
    "customer_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "signup_date",
    "country",
    "state",
    "city",
    "customer_segment",
    substring(sha256(convert_to('s' || octet_length("customer_id") || ':' || "customer_id", 'UTF8')) for 16),
    substring(sha256(convert_to(coalesce('s' || octet_length("first_name") || ':' || "first_name", '~') || coalesce('s' || octet_length("last_name") || ':' || "last_name", '~') || coalesce('s' || octet_length("email") || ':' || "email", '~') || coalesce('s' || octet_length("phone") || ':' || "phone", '~') || coalesce('d' || to_char("signup_date", 'YYYY-MM-DD') || ';', '~') || coalesce('s' || octet_length("country") || ':' || "country", '~') || coalesce('s' || octet_length("state") || ':' || "state", '~') || coalesce('s' || octet_length("city") || ':' || "city", '~') || coalesce('s' || octet_length("customer_segment") || ':' || "customer_segment", '~'), 'UTF8')) for 16)
from (
    select row_number, "customer_id" as "customer_id", "first_name" as "first_name", "last_name" as "last_name", "email" as "email", "phone" as "phone", "signup_date"::date as "signup_date", "country" as "country", "state" as "state", "city" as "city", "customer_segment" as "customer_segment"
    from judged
    where is_valid
    offset 0  -- keeps this a step of its own, so that each value is parsed once
) as typed
