create temp table if not exists incoming_event (
    event_id text not null,
    event_type text not null,
    customer_id text not null,
    occurred_at timestamptz not null,
    product_id text,
    amount numeric,
    session_id text,
    properties jsonb,
    topic text not null,
    kafka_partition integer not null,
    kafka_offset bigint not null
) on commit delete rows
