create temp table if not exists fresh_event (
    link_hash_key bytea not null,
    customer_hash_key bytea not null,
    product_hash_key bytea not null,
    event_id text not null,
    event_type text not null,
    customer_id text not null,
    occurred_at timestamptz not null,
    product_id text,
    amount numeric,
    session_id text,
    properties jsonb,
    kafka_offset bigint not null
) on commit delete rows
