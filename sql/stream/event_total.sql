insert into business_vault.event_total as t (
    event_type, kafka_partition, event_count, last_event_time, total_purchase_amount
)
select
    event_type, %s, count(*), max(occurred_at), coalesce(sum(amount) filter (where event_type = 'purchase'), 0)
from fresh_event
group by event_type
order by event_type
on conflict (event_type, kafka_partition) do update set
    event_count = t.event_count + excluded.event_count,
    last_event_time = greatest(t.last_event_time, excluded.last_event_time),
    total_purchase_amount = t.total_purchase_amount + excluded.total_purchase_amount
