select
    event_id, event_type, customer_id, occurred_at, product_id,
    round(amount, greatest(2, min_scale(amount))) as amount,
    {session_id} as session_id,
    case when not %(masked)s then properties end as properties, loaded_at
from business_vault.vw_event
where occurred_at > now() - interval '7 days'
