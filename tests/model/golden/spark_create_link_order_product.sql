create table if not exists lake.raw_vault.`link_order_product` (
    link_hash_key binary not null,
    `order_hash_key` binary not null,
    `product_hash_key` binary not null,
    `line_number` bigint,
    loaded_at timestamp not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version int not null
) using iceberg
