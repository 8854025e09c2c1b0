create unlogged table "staging"."part_8_2" with (parallel_workers = 2, autovacuum_enabled = off) as
select 8::bigint as object_id, 2::integer as part, row_number,
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
    case when "customer_id" is null then '\x00000000000000000000000000000000'::bytea else substring(sha256(convert_to(coalesce('s' || octet_length("customer_id") || ':' || "customer_id", '~'), 'UTF8')) for 16) end as "customer_hash_key",
    substring(sha256(convert_to('s' || octet_length("product_id") || ':' || "product_id", 'UTF8')) for 16) as "product_hash_key",
    substring(sha256(convert_to('s' || octet_length("transaction_id") || ':' || "transaction_id", 'UTF8')) for 16) as "order_hash_key",
    substring(sha256(convert_to(coalesce('s' || octet_length("customer_id") || ':' || "customer_id", '~') || 's' || octet_length("transaction_id") || ':' || "transaction_id", 'UTF8')) for 16) as "link_customer_order_hash_key",
    case when "line_number" is null then substring(sha256(rtrim(convert_to('s' || octet_length("transaction_id") || ':' || "transaction_id" || 's' || octet_length("product_id") || ':' || "product_id" || coalesce('i' || "line_number" || ';', '~') || 'i' || "quantity" || ';' || 'n' || trim_scale("unit_price") || ';' || 'n' || trim_scale("total_amount") || ';', 'UTF8'), '~'::bytea)) for 16) else substring(sha256(convert_to('s' || octet_length("transaction_id") || ':' || "transaction_id" || 's' || octet_length("product_id") || ':' || "product_id" || coalesce('i' || "line_number" || ';', '~'), 'UTF8')) for 16) end as "link_order_product_hash_key",
    substring(sha256(rtrim(convert_to('t' || extract(epoch from "order_date") || ';' || coalesce('s' || octet_length("payment_method") || ':' || "payment_method", '~') || coalesce('s' || octet_length("order_status") || ':' || "order_status", '~'), 'UTF8'), '~'::bytea)) for 16) as "sat_order_details_hashdiff",
    substring(sha256(rtrim(convert_to('i' || "quantity" || ';' || 'n' || trim_scale("unit_price") || ';' || 'n' || trim_scale("total_amount") || ';', 'UTF8'), '~'::bytea)) for 16) as "sat_order_line_hashdiff"
from (
    select row_number, "transaction_id" as "transaction_id", "customer_id" as "customer_id", "order_date"::timestamptz as "order_date", "product_id" as "product_id", "quantity"::bigint as "quantity", "unit_price"::numeric as "unit_price", "total_amount"::numeric as "total_amount", "payment_method" as "payment_method", "order_status" as "order_status", "line_number"::bigint as "line_number"
    from (
    select row_number, "transaction_id", "customer_id", "order_date", "product_id", "quantity", "unit_price", "total_amount", "payment_method", "order_status", "line_number"
    from "staging"."raw_8_2" as copied
) as raw_row
    where "transaction_id" is not null
    and coalesce(octet_length("transaction_id"), 0) <= 1000
    and coalesce(octet_length("customer_id"), 0) <= 1000
    and "order_date" is not null
    and ("order_date" is null or "order_date" like '____-__-__%' and "order_date" !~ '[^0123456789:.+TZ -]' and pg_input_is_valid("order_date", 'timestamptz') and (left("order_date", 10) not in ('0001-01-01', '9999-12-31') or substr("order_date", 11) ~ '^([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z?)?$'))
    and "product_id" is not null
    and coalesce(octet_length("product_id"), 0) <= 1000
    and "quantity" is not null
    and ("quantity" is null or "quantity" !~ '[^0123456789+-]' and pg_input_is_valid("quantity", 'bigint'))
    and (octet_length("quantity") <= 15 or "quantity" is null or length(split_part(ltrim("quantity", '+-'), '.', 1)) <= 15)
    and "unit_price" is not null
    and ("unit_price" is null or octet_length("unit_price") <= 1000 and "unit_price" !~ '[^0123456789.+-]' and pg_input_is_valid("unit_price", 'numeric'))
    and (octet_length("unit_price") <= 15 or "unit_price" is null or length(split_part(ltrim("unit_price", '+-'), '.', 1)) <= 15)
    and "total_amount" is not null
    and ("total_amount" is null or octet_length("total_amount") <= 1000 and "total_amount" !~ '[^0123456789.+-]' and pg_input_is_valid("total_amount", 'numeric'))
    and (octet_length("total_amount") <= 15 or "total_amount" is null or length(split_part(ltrim("total_amount", '+-'), '.', 1)) <= 15)
    and coalesce(octet_length("payment_method"), 0) <= 1000
    and coalesce(octet_length("order_status"), 0) <= 1000
    and ("line_number" is null or "line_number" !~ '[^0123456789+-]' and pg_input_is_valid("line_number", 'bigint'))
    and case when octet_length("line_number") > 18 and pg_input_is_valid("line_number", 'bigint') then "line_number"::bigint <= 9000000000000000000 else true end
) as typed_row
