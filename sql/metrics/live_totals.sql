select
    (select coalesce(sum(event_count), 0)::bigint from business_vault.event_total) as events,
    (
        select count(*)
        from business_vault.live_activity
        where
            last_seen_at > now() - interval '5 minutes'
            -- a browser's clock may be ahead a little
            and last_seen_at <= now() + interval '1 minute'
    ) as active_customers
