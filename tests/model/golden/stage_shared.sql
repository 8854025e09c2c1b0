insert into "staging"."shared_256" ("object_id", "part", "row_number", "customer_id", "first_name", "last_name", "email", "phone", "signup_date", "country", "state", "city", "customer_segment", "customer_hash_key", "sat_customer_details_hashdiff")
select 300::bigint as object_id, 0::integer as part, row_number,
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
    substring(sha256(convert_to('s' || octet_length("customer_id") || ':' || "customer_id", 'UTF8')) for 16) as "customer_hash_key",
    substring(sha256(rtrim(convert_to(coalesce('s' || octet_length("first_name") || ':' || "first_name", '~') || coalesce('s' || octet_length("last_name") || ':' || "last_name", '~') || coalesce('s' || octet_length("email") || ':' || "email", '~') || coalesce('s' || octet_length("phone") || ':' || "phone", '~') || coalesce('d' || to_char("signup_date", 'YYYY-MM-DD') || ';', '~') || coalesce('s' || octet_length("country") || ':' || "country", '~') || coalesce('s' || octet_length("state") || ':' || "state", '~') || coalesce('s' || octet_length("city") || ':' || "city", '~') || coalesce('s' || octet_length("customer_segment") || ':' || "customer_segment", '~'), 'UTF8'), '~'::bytea)) for 16) as "sat_customer_details_hashdiff"
from (
    select row_number, "customer_id" as "customer_id", "first_name" as "first_name", "last_name" as "last_name", "email" as "email", "phone" as "phone", "signup_date"::date as "signup_date", "country" as "country", "state" as "state", "city" as "city", "customer_segment" as "customer_segment"
    from (
    select row_number, "customer_id", "first_name", "last_name", "email", "phone", "signup_date", "country", "state", "city", "customer_segment"
    from "staging"."raw_300_0" as copied
) as raw_row
    where "customer_id" is not null
    and coalesce(octet_length("customer_id"), 0) <= 1000
    and coalesce(octet_length("first_name"), 0) <= 1000
    and coalesce(octet_length("last_name"), 0) <= 1000
    and coalesce(octet_length("email"), 0) <= 1000
    and coalesce(octet_length("phone"), 0) <= 1000
    and ("signup_date" is null or "signup_date" like '____-__-__' and "signup_date" !~ '[^0123456789-]' and pg_input_is_valid("signup_date", 'date'))
    and coalesce(octet_length("country"), 0) <= 1000
    and coalesce(octet_length("state"), 0) <= 1000
    and coalesce(octet_length("city"), 0) <= 1000
    and coalesce(octet_length("customer_segment"), 0) <= 1000
    and (lower(btrim("customer_id")) is distinct from 'customer_id')
) as typed_row
