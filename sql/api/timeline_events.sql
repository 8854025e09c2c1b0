-- What one customer did on the website, as entries of a timeline.
select
    e.occurred_at as at,
    'event' as kind,
    e.event_id as id,
    json_build_object(
        'event_type', e.event_type,
        'product_id', p.product_id,
        'amount', round(e.amount, greatest(2, min_scale(e.amount))),
        'session_id', {session_id}
    ) as data
from raw_vault.hub_customer as c
join raw_vault.link_customer_event as e using (customer_hash_key)
join raw_vault.hub_product as p using (product_hash_key)
where c.customer_id = %(customer_id)s
