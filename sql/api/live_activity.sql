select (
    select row_to_json(activity)::text
    from (
        select
            c.customer_id, a.last_seen_at, a.last_event_type,
            {last_session_id} as last_session_id,
            a.last_product_id,
            coalesce(a.events_last_5_minutes, 0) as events_last_5_minutes,
            coalesce(a.events_last_hour, 0) as events_last_hour,
            coalesce(a.events_last_day, 0) as events_last_day,
            (
                select coalesce(json_agg(row_to_json(m) order by m.event_type), '[]')
                from (
                    select
                        event_type, event_count, last_event_time,
                        round(total_purchase_amount, greatest(2, min_scale(total_purchase_amount)))
                            as total_purchase_amount
                    from business_vault.real_time_metrics
                    where customer_id = c.customer_id
                ) as m
            ) as by_type
        from business_vault.vw_customer_360 as c
        left join business_vault.vw_live_activity as a using (customer_id)
        where c.customer_id = %(key)s
    ) as activity
)
