select
    event_type,
    sum(event_count)::bigint as event_count,
    max(last_event_time) as last_event_time,
    sum(total_purchase_amount) as total_purchase_amount
from business_vault.event_total
group by event_type
order by event_type
