-- The first of several messages with one id is the event, whatever the others say.
with hashed as (
    select
        {link_key} as link_hash_key,
        {customer_key} as customer_hash_key,
        {product_key} as product_hash_key,
        event_id, event_type, customer_id, occurred_at, product_id, amount, session_id, properties,
        topic, kafka_partition, kafka_offset
    from incoming_event
), arrived as materialized (
    select distinct on (link_hash_key) *
    from hashed
    order by link_hash_key, topic, kafka_partition, kafka_offset
), fresh as (
    insert into metadata.event_id (link_hash_key, loaded_at)
    select link_hash_key, now() from arrived order by link_hash_key
    on conflict do nothing
    returning link_hash_key
)
insert into fresh_event (
    link_hash_key, customer_hash_key, product_hash_key, event_id, event_type, customer_id, occurred_at, product_id,
    amount, session_id, properties, kafka_offset
)
select
    a.link_hash_key, a.customer_hash_key, a.product_hash_key, a.event_id, a.event_type, a.customer_id, a.occurred_at,
    a.product_id, a.amount, a.session_id, a.properties, a.kafka_offset
from arrived as a
join fresh as f using (link_hash_key)
