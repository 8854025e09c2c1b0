create table if not exists lake.raw_vault.`sat_order_line` (
    `link_hash_key` binary not null,
    effective_at timestamp not null,
    hashdiff binary not null,
    `quantity` bigint,
    `unit_price` decimal(38,18),
    `total_amount` decimal(38,18),
    loaded_at timestamp not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version int not null
) using iceberg
