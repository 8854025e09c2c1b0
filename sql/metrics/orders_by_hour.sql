select
    extract(isodow from order_day)::bigint as weekday,
    order_hour::bigint as hour,
    sum(orders)::bigint as orders,
    sum(revenue) as revenue
from business_vault.sales(since, until, segments, states, categories, statuses)
where order_day is not null
group by weekday, hour
order by weekday, hour
