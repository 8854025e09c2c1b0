create table if not exists lake.raw_vault.`record_tracking_satellite` (
    satellite string not null,
    hash_key binary not null,
    effective_at timestamp not null,
    hashdiff binary not null,
    loaded_at timestamp not null,
    record_source bigint not null,
    record_row bigint not null
) using iceberg
partitioned by (satellite, months(effective_at))
