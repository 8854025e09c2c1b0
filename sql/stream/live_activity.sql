-- Of events at the same instant the greater value wins, so that the order of delivery does not matter.
insert into business_vault.live_activity as a (
    customer_id, customer_hash_key, last_seen_at, last_event_type, last_session_at, last_session_id,
    last_product_at, last_product_id
)
select
    customer_id,
    min(customer_hash_key),
    max(occurred_at),
    (array_agg(event_type order by occurred_at desc, event_type desc))[1],
    max(occurred_at) filter (where session_id is not null),
    (array_agg(session_id order by occurred_at desc, session_id desc) filter (where session_id is not null))[1],
    max(occurred_at) filter (where product_id is not null),
    (array_agg(product_id order by occurred_at desc, product_id desc) filter (where product_id is not null))[1]
from fresh_event
group by customer_id
order by customer_id
on conflict (customer_id) do update set
    last_seen_at = greatest(a.last_seen_at, excluded.last_seen_at),
    last_event_type = case
        when (excluded.last_seen_at, excluded.last_event_type) > (a.last_seen_at, a.last_event_type)
            then excluded.last_event_type
        else a.last_event_type
    end,
    last_session_at = greatest(a.last_session_at, excluded.last_session_at),
    last_session_id = case
        when a.last_session_at is null
            or (excluded.last_session_at, excluded.last_session_id) > (a.last_session_at, a.last_session_id)
            then excluded.last_session_id
        else a.last_session_id
    end,
    last_product_at = greatest(a.last_product_at, excluded.last_product_at),
    last_product_id = case
        when a.last_product_at is null
            or (excluded.last_product_at, excluded.last_product_id) > (a.last_product_at, a.last_product_id)
            then excluded.last_product_id
        else a.last_product_id
    end
