-- The events of one batch bear one loaded_at, and are seen together.
with fresh as (
    {events_of_week}
        and {fresh_batches}
    order by loaded_at desc
    limit %(limit)s
)
select
    (select coalesce(sum(event_count), 0)::bigint from business_vault.event_total),
    (
        select coalesce(array_agg(distinct loaded_at), '{{}}')
        from raw_vault.link_customer_event
        where {fresh_batches}
    ),
    coalesce(array_agg(row_to_json(fresh)::text order by loaded_at, occurred_at, event_id), '{{}}')
from fresh
