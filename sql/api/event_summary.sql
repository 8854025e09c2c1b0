-- The counters of the clickstream, all customers together.
select json_build_object(
    'total', (select coalesce(sum(event_count), 0)::bigint from business_vault.event_total),
    'active_customers', (
        select count(*)
        from business_vault.live_activity
        where
            last_seen_at > now() - interval '5 minutes'
            -- a browser's clock may be ahead a little
            and last_seen_at <= now() + interval '1 minute'
    ),
    'by_type', (
        select coalesce(json_agg(row_to_json(m) order by m.event_type), '[]')
        from (
            select
                event_type,
                sum(event_count)::bigint as event_count,
                max(last_event_time) as last_event_time,
                business_vault.amount(sum(total_purchase_amount)) as total_purchase_amount
            from business_vault.event_total
            group by event_type
        ) as m
    )
)::text
