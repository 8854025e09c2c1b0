select
    customer_segment,
    count(*) as customers,
    sum(total_orders)::bigint as orders,
    sum(lifetime_value) as revenue
from business_vault.customers(segments, states)
group by customer_segment
order by customers desc, customer_segment
