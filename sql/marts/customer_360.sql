-- The customers in scope: their details in force last, and what they have ordered.
with details as (
    {sat_customer_details}
), status as (
    {sat_customer_status}
), span as materialized (
    -- windows of whole days in UTC, which end with the anchor's day
    select
        (anchor - 29)::timestamp at time zone 'UTC' as since_30_days,
        (anchor - 89)::timestamp at time zone 'UTC' as since_90_days,
        (anchor - 364)::timestamp at time zone 'UTC' as since_365_days,
        (anchor + 1)::timestamp at time zone 'UTC' as until
    from business_vault.mart_anchor
), orders as (
    select
        m.customer_id,
        count(*) filter (where m.is_first_line) as total_orders,
        sum(m.total_amount) as lifetime_value,
        min(m.order_date) as first_order_date,
        max(m.order_date) as last_order_date,
        count(*) filter (
            where m.is_first_line and m.order_date >= (select since_30_days from span) and m.order_date < (select until from span)
        ) as orders_30_days,
        sum(m.total_amount) filter (
            where m.order_date >= (select since_30_days from span) and m.order_date < (select until from span)
        ) as revenue_30_days,
        count(*) filter (
            where m.is_first_line and m.order_date >= (select since_90_days from span) and m.order_date < (select until from span)
        ) as orders_90_days,
        sum(m.total_amount) filter (
            where m.order_date >= (select since_90_days from span) and m.order_date < (select until from span)
        ) as revenue_90_days,
        count(*) filter (
            where m.is_first_line and m.order_date >= (select since_365_days from span) and m.order_date < (select until from span)
        ) as orders_365_days,
        sum(m.total_amount) filter (
            where m.order_date >= (select since_365_days from span) and m.order_date < (select until from span)
        ) as revenue_365_days,
        least(
            (min(m.order_date) filter (where m.order_date >= (select since_30_days from span)) at time zone 'UTC')::date + 30,
            (min(m.order_date) filter (where m.order_date >= (select since_90_days from span)) at time zone 'UTC')::date + 90,
            (min(m.order_date) filter (where m.order_date >= (select since_365_days from span)) at time zone 'UTC')::date + 365,
            (min(m.order_date) filter (where m.order_date >= (select until from span)) at time zone 'UTC')::date
        ) as next_window_change
    from business_vault.mart_order_line as m
    {bought_by_touched_customer}
    where m.customer_id is not null
    group by m.customer_id
), spent as (
    select m.customer_id, p.category, sum(m.total_amount) as revenue
    from business_vault.mart_order_line as m
    {bought_by_touched_customer}
    join business_vault.mart_product_analytics as p using (product_id)
    where m.customer_id is not null and p.category is not null
    group by m.customer_id, p.category
), favourite as (
    select distinct on (customer_id) customer_id, category
    from spent
    order by customer_id, revenue desc, category collate "C"
)
select
    h.customer_id, d.first_name, d.last_name, d.email, d.phone, d.country, d.state, d.city,
    d.customer_segment, d.signup_date,
    coalesce(o.total_orders, 0) as total_orders,
    business_vault.amount(coalesce(o.lifetime_value, 0)) as lifetime_value,
    round(o.lifetime_value / o.total_orders, 2) as avg_order_value,
    o.first_order_date, o.last_order_date,
    coalesce(o.orders_30_days, 0) as orders_30_days,
    coalesce(o.orders_90_days, 0) as orders_90_days,
    coalesce(o.orders_365_days, 0) as orders_365_days,
    business_vault.amount(coalesce(o.revenue_30_days, 0)) as revenue_30_days,
    business_vault.amount(coalesce(o.revenue_90_days, 0)) as revenue_90_days,
    business_vault.amount(coalesce(o.revenue_365_days, 0)) as revenue_365_days,
    f.category as favourite_category,
    coalesce(status.is_deleted, false) as is_deleted,
    o.next_window_change,
    d.record_source as details_record_source, d.record_row as details_record_row,
    status.record_source as status_record_source, status.record_row as status_record_row
from raw_vault.hub_customer as h
{of_touched_customer}
left join details as d on d.customer_hash_key = h.customer_hash_key
left join status on status.customer_hash_key = h.customer_hash_key
left join orders as o on o.customer_id = h.customer_id
left join favourite as f on f.customer_id = h.customer_id
where
    h.customer_id is not null
    -- whoever only such files have named as do not count (any more, or yet), is not named
    and (
        h.record_source not in (select u.object_id from metadata.uncounted_object as u)
        or d.customer_hash_key is not null
        or exists (
            select
            from raw_vault.link_customer_order as l
            join raw_vault.sat_customer_order_effectivity as s on s.link_hash_key = l.link_hash_key and s.order_hash_key = l.order_hash_key
            where
                l.customer_hash_key = h.customer_hash_key
                and s.record_source not in (select u.object_id from metadata.uncounted_object as u)
        )
    )
order by h.customer_id
