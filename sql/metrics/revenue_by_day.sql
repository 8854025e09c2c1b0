with sold as (
    select order_day, sum(orders) as orders, sum(revenue) as revenue
    from business_vault.sales(since - 6, until, segments, states, categories, statuses)
    where order_day is not null
    group by order_day
), meant as (
    select
        *,
        case
            when order_day >= (select min(h.order_day) from business_vault.vw_sale_hour as h) + 6
                then round(sum(revenue) over (order by order_day range between interval '6 days' preceding and current row) / 7, 2)
        end as revenue_7_day_mean
    from sold
)
select order_day as day, orders::bigint, revenue, revenue_7_day_mean
from meant
where since is null or order_day >= since
order by order_day
