create table if not exists lake.raw_vault.`hub_customer` (
    `customer_hash_key` binary not null,
    `customer_id` string,
    loaded_at timestamp not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version int not null
) using iceberg
