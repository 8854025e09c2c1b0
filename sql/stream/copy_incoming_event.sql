copy incoming_event (
    event_id, event_type, customer_id, occurred_at, product_id, amount, session_id, properties,
    topic, kafka_partition, kafka_offset
) from stdin
