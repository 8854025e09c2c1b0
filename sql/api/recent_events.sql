with recent as (
    {events_of_week}
    order by loaded_at desc, occurred_at desc, event_id
    limit %(limit)s
)
select
    (select coalesce(sum(event_count), 0)::bigint from business_vault.event_total),
    (
        select coalesce(json_agg(row_to_json(recent) order by loaded_at desc, occurred_at desc, event_id), '[]')::text
        from recent
    ),
    (select count(*) from recent)
