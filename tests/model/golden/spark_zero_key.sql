select X'00000000000000000000000000000000' as `customer_hash_key`,
    cast(null as string) as `customer_id`,
    timestamp '1970-01-01 00:00:00' as loaded_at, 0L as record_source, 0L as record_row, 1 as hash_version
