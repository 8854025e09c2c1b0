-- of each day first: the weekday of a sum is cheaper than that of every line
with sold as (
    select order_day, order_hour, sum(orders) as orders, sum(revenue) as revenue
    from business_vault.sales(since, until, segments, states, categories, statuses)
    where order_day is not null
    group by order_day, order_hour
)
select
    extract(isodow from order_day)::bigint as weekday,
    order_hour::bigint as hour,
    sum(orders)::bigint as orders,
    sum(revenue) as revenue
from sold
group by weekday, hour
order by weekday, hour
