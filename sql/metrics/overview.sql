with span as materialized (
    select business_vault.last_day(until) as last_day
), sold as (
    select
        coalesce(sum(s.orders) filter (where since is null or s.order_day >= since), 0) as orders,
        coalesce(sum(s.order_lines) filter (where since is null or s.order_day >= since), 0) as order_lines,
        coalesce(sum(s.revenue) filter (where since is null or s.order_day >= since), 0) as revenue,
        coalesce(sum(s.anonymous_revenue) filter (where since is null or s.order_day >= since), 0) as anonymous_revenue,
        min(s.order_date) filter (where since is null or s.order_day >= since) as first_order_date,
        max(s.order_date) filter (where since is null or s.order_day >= since) as last_order_date,
        coalesce(sum(s.orders) filter (where s.order_day > l.last_day - 30 and s.order_day <= l.last_day), 0) as orders_30,
        coalesce(sum(s.revenue) filter (where s.order_day > l.last_day - 30 and s.order_day <= l.last_day), 0) as revenue_30,
        coalesce(sum(s.orders) filter (where s.order_day > l.last_day - 60 and s.order_day <= l.last_day - 30), 0) as orders_60,
        coalesce(sum(s.revenue) filter (where s.order_day > l.last_day - 60 and s.order_day <= l.last_day - 30), 0)
            as revenue_60
    from business_vault.sales(null, until, segments, states, categories, statuses) as s
    cross join span as l
), placed as (
    -- an index has these, where whole hours do not
    select
        (
            select min(l.order_date) from business_vault.sale_lines(since, until, null, null, null, statuses) as l
        ) as first_order_date,
        (
            select max(l.order_date) from business_vault.sale_lines(since, until, null, null, null, statuses) as l
        ) as last_order_date
    where segments is null and states is null and categories is null
), known as (
    select
        count(*) as customers,
        count(*) filter (where c.total_orders > 0) as customers_with_orders,
        count(*) filter (where c.known_since <= l.last_day) as by_last_day,
        count(*) filter (where c.known_since <= l.last_day - 30) as by_30_days_before
    from business_vault.known_customers(segments, states) as c
    cross join span as l
)
select
    known.customers,
    known.by_30_days_before as customers_30_days_before,
    round(known.by_last_day / nullif(known.by_30_days_before, 0)::numeric - 1, 4) as customers_growth,
    known.customers_with_orders,
    (
        select count(*)
        from business_vault.vw_product_analytics as p
        where categories is null or coalesce(p.category, '') = any(categories)
    ) as products,
    sold.orders::bigint,
    sold.order_lines::bigint,
    sold.revenue,
    round(sold.revenue / nullif(sold.orders, 0), 2) as avg_order_value,
    sold.anonymous_revenue,
    coalesce(sold.first_order_date, placed.first_order_date) as first_order_date,
    coalesce(sold.last_order_date, placed.last_order_date) as last_order_date,
    sold.orders_30::bigint as orders_30_days,
    sold.orders_60::bigint as orders_30_days_before,
    round(sold.orders_30 / nullif(sold.orders_60, 0) - 1, 4) as orders_change,
    sold.revenue_30 as revenue_30_days,
    sold.revenue_60 as revenue_30_days_before,
    round(sold.revenue_30 / nullif(sold.revenue_60, 0) - 1, 4) as revenue_change,
    round(sold.revenue_30 / nullif(sold.orders_30, 0), 2) as avg_order_value_30_days,
    round(sold.revenue_60 / nullif(sold.orders_60, 0), 2) as avg_order_value_30_days_before,
    round(
        (sold.revenue_30 / nullif(sold.orders_30, 0)) / nullif(sold.revenue_60 / nullif(sold.orders_60, 0), 0) - 1, 4
    ) as avg_order_value_change
from sold
cross join known
left join placed on true
