insert into raw_vault.link_customer_event (
    link_hash_key, customer_hash_key, product_hash_key, event_id, event_type, occurred_at, amount, session_id,
    properties, loaded_at, record_source, record_row, hash_version
)
select
    link_hash_key, customer_hash_key, product_hash_key, event_id, event_type, occurred_at, amount, session_id,
    properties, now(), {source}, kafka_offset, {version}
from fresh_event
