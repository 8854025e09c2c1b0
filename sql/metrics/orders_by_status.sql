select
    order_status,
    sum(orders)::bigint as orders,
    sum(order_lines)::bigint as order_lines,
    sum(revenue) as revenue
from business_vault.sales(since, until, segments, states, categories, statuses)
group by order_status
order by orders desc, order_status
