copy "raw_rows" ("product_id", "unknown_1", "price") from stdin (format csv, encoding 'UTF8', force_null ("product_id", "unknown_1", "price"))
