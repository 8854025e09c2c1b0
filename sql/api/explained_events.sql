-- The events that figures count, as long as retention keeps them; none came from a file.
select
    'event' as kind,
    e.event_id,
    e.event_type,
    c.customer_id,
    e.occurred_at,
    p.product_id,
    e.amount,
    e.loaded_at,
    e.record_row as kafka_offset,
    {counts}::numeric as counts,
    null::text as file,
    null::text as run_id
from raw_vault.link_customer_event as e
join raw_vault.hub_customer as c on c.customer_hash_key = e.customer_hash_key
join raw_vault.hub_product as p on p.product_hash_key = e.product_hash_key
