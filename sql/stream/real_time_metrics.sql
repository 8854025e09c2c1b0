insert into business_vault.real_time_metrics as m (
    customer_id, event_type, event_count, last_event_time, total_purchase_amount
)
select
    customer_id, event_type, count(*), max(occurred_at),
    coalesce(sum(amount) filter (where event_type = 'purchase'), 0)
from fresh_event
group by customer_id, event_type
order by customer_id, event_type
on conflict (customer_id, event_type) do update set
    event_count = m.event_count + excluded.event_count,
    last_event_time = greatest(m.last_event_time, excluded.last_event_time),
    total_purchase_amount = m.total_purchase_amount + excluded.total_purchase_amount
