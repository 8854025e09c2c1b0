copy "staging"."raw_7_0" ("customer_id", "unknown_1", "city") from stdin (format csv, encoding 'UTF8', force_null ("customer_id", "unknown_1", "city"))
