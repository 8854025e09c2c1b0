insert into metadata.quarantine (object_id, row_number, line_number, raw, raw_text, reasons)
select 7, row_number, row_number + 1, to_jsonb(raw_row) - array['row_number', '_line', '_broken', '_raw_text', '_rejected'], null, array_remove(array[
    case when not "customer_id" is not null then 'customer_id.required' end,
    case when not coalesce(octet_length("customer_id"), 0) <= 1000 then 'customer_id.length' end,
    case when not coalesce(octet_length("first_name"), 0) <= 1000 then 'first_name.length' end,
    case when not coalesce(octet_length("last_name"), 0) <= 1000 then 'last_name.length' end,
    case when not coalesce(octet_length("email"), 0) <= 1000 then 'email.length' end,
    case when not coalesce(octet_length("phone"), 0) <= 1000 then 'phone.length' end,
    case when not ("signup_date" is null or "signup_date" like '____-__-__' and "signup_date" !~ '[^0123456789-]' and pg_input_is_valid("signup_date", 'date')) then 'signup_date.type' end,
    case when not coalesce(octet_length("country"), 0) <= 1000 then 'country.length' end,
    case when not coalesce(octet_length("state"), 0) <= 1000 then 'state.length' end,
    case when not coalesce(octet_length("city"), 0) <= 1000 then 'city.length' end,
    case when not coalesce(octet_length("customer_segment"), 0) <= 1000 then 'customer_segment.length' end,
    case when not (lower(btrim("customer_id")) is distinct from 'customer_id') then 'row.header' end
], null)
from (
    select *, row_number() over (order by row_number) as _rejected
    from (
    select row_number, "customer_id", "first_name", "last_name", "email", "phone", "signup_date", "country", "state", "city", "customer_segment"
    from "staging"."raw_7_0" as copied
) as raw_row
    where not ("customer_id" is not null
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
    and (lower(btrim("customer_id")) is distinct from 'customer_id'))
) as raw_row
where (_rejected <= 10000 or _rejected % 1000 = 0)
