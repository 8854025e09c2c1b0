select coalesce(sum("quantity"::numeric) filter (where ("quantity" is null or "quantity" !~ '[^0123456789+-]' and pg_input_is_valid("quantity", 'bigint'))), 0), coalesce(sum("total_amount"::numeric) filter (where ("total_amount" is null or octet_length("total_amount") <= 1000 and "total_amount" !~ '[^0123456789.+-]' and pg_input_is_valid("total_amount", 'numeric'))), 0)
from "staging"."raw_8_2"
