with completed as (
    select row_number, "transaction_id", "customer_id", "order_date", "product_id", "quantity", "unit_price", "total_amount", "payment_method", "order_status", coalesce("line_number", '1') as "line_number"
    from "raw_rows"
), judged as materialized (
    select *, "transaction_id" is not null and coalesce(octet_length("transaction_id"), 0) <= 1000 and coalesce(octet_length("customer_id"), 0) <= 1000 and "order_date" is not null and ("order_date" is null or left("order_date", 10) like '____-__-__' and translate("order_date", '0123456789-:.+TZ ', '') = '' and pg_input_is_valid("order_date", 'timestamptz') and (left("order_date", 10) not in ('0001-01-01', '9999-12-31') or substr("order_date", 11) ~ '^([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z?)?$')) and "product_id" is not null and coalesce(octet_length("product_id"), 0) <= 1000 and "quantity" is not null and ("quantity" is null or translate("quantity", '0123456789+-', '') = '' and pg_input_is_valid("quantity", 'bigint')) and "unit_price" is not null and ("unit_price" is null or octet_length("unit_price") <= 1000 and translate("unit_price", '0123456789+-.', '') = '' and pg_input_is_valid("unit_price", 'numeric')) and "total_amount" is not null and ("total_amount" is null or octet_length("total_amount") <= 1000 and translate("total_amount", '0123456789+-.', '') = '' and pg_input_is_valid("total_amount", 'numeric')) and ("line_number" is null or translate("line_number", '0123456789+-', '') = '' and pg_input_is_valid("line_number", 'bigint')) as is_valid
    from completed
), rejected as (
    insert into metadata.quarantine (object_id, row_number, raw, reasons)
    select %(object_id)s, row_number, to_jsonb(judged) - 'row_number' - 'is_valid', array_remove(array[
        case when not "transaction_id" is not null then 'transaction_id.required' end,
        case when not coalesce(octet_length("transaction_id"), 0) <= 1000 then 'transaction_id.length' end,
        case when not coalesce(octet_length("customer_id"), 0) <= 1000 then 'customer_id.length' end,
        case when not "order_date" is not null then 'order_date.required' end,
        case when not ("order_date" is null or left("order_date", 10) like '____-__-__' and translate("order_date", '0123456789-:.+TZ ', '') = '' and pg_input_is_valid("order_date", 'timestamptz') and (left("order_date", 10) not in ('0001-01-01', '9999-12-31') or substr("order_date", 11) ~ '^([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z?)?$')) then 'order_date.type' end,
        case when not "product_id" is not null then 'product_id.required' end,
        case when not coalesce(octet_length("product_id"), 0) <= 1000 then 'product_id.length' end,
        case when not "quantity" is not null then 'quantity.required' end,
        case when not ("quantity" is null or translate("quantity", '0123456789+-', '') = '' and pg_input_is_valid("quantity", 'bigint')) then 'quantity.type' end,
        case when not "unit_price" is not null then 'unit_price.required' end,
        case when not ("unit_price" is null or octet_length("unit_price") <= 1000 and translate("unit_price", '0123456789+-.', '') = '' and pg_input_is_valid("unit_price", 'numeric')) then 'unit_price.type' end,
        case when not "total_amount" is not null then 'total_amount.required' end,
        case when not ("total_amount" is null or octet_length("total_amount") <= 1000 and translate("total_amount", '0123456789+-.', '') = '' and pg_input_is_valid("total_amount", 'numeric')) then 'total_amount.type' end,
        case when not ("line_number" is null or translate("line_number", '0123456789+-', '') = '' and pg_input_is_valid("line_number", 'bigint')) then 'line_number.type' end
    ], null)
    from judged
    where not is_valid
)
insert into "staging"."transactions" ("object_id", "row_number", "transaction_id", "customer_id", "order_date", "product_id", "quantity", "unit_price", "total_amount", "payment_method", "order_status", "line_number", "customer_hash_key", "product_hash_key", "order_hash_key", "link_customer_order_hash_key", "link_order_product_hash_key", "sat_order_details_hashdiff", "sat_order_line_hashdiff")
select %(object_id)s,
    "row_number",
    "transaction_id",
    "customer_id",
    "order_date",
    "product_id",
    "quantity",
    "unit_price",
    "total_amount",
    "payment_method",
    "order_status",
    "line_number",
    case when "customer_id" is null then '\x00000000000000000000000000000000'::bytea else substring(sha256(convert_to(coalesce('s' || octet_length("customer_id") || ':' || "customer_id", '~'), 'UTF8')) for 16) end,
    substring(sha256(convert_to('s' || octet_length("product_id") || ':' || "product_id", 'UTF8')) for 16),
    substring(sha256(convert_to('s' || octet_length("transaction_id") || ':' || "transaction_id", 'UTF8')) for 16),
    substring(sha256(convert_to(coalesce('s' || octet_length("customer_id") || ':' || "customer_id", '~') || 's' || octet_length("transaction_id") || ':' || "transaction_id", 'UTF8')) for 16),
    substring(sha256(convert_to('s' || octet_length("transaction_id") || ':' || "transaction_id" || 's' || octet_length("product_id") || ':' || "product_id" || coalesce('i' || "line_number" || ';', '~'), 'UTF8')) for 16),
    substring(sha256(convert_to('t' || extract(epoch from "order_date") || ';' || coalesce('s' || octet_length("payment_method") || ':' || "payment_method", '~') || coalesce('s' || octet_length("order_status") || ':' || "order_status", '~'), 'UTF8')) for 16),
    substring(sha256(convert_to('i' || "quantity" || ';' || 'n' || trim_scale("unit_price") || ';' || 'n' || trim_scale("total_amount") || ';', 'UTF8')) for 16)
from (
    select row_number, "transaction_id" as "transaction_id", "customer_id" as "customer_id", "order_date"::timestamptz as "order_date", "product_id" as "product_id", "quantity"::bigint as "quantity", "unit_price"::numeric as "unit_price", "total_amount"::numeric as "total_amount", "payment_method" as "payment_method", "order_status" as "order_status", "line_number"::bigint as "line_number"
    from judged
    where is_valid
    offset 0  -- keeps this a step of its own, so that each value is parsed once
) as typed
