select
    count(*) filter (where total_orders > 0) as customers_with_orders,
    count(*) filter (where total_orders > 1) as repeat_customers,
    round(count(*) filter (where total_orders > 1) / nullif(count(*) filter (where total_orders > 0), 0)::numeric, 4)
        as repeat_rate,
    -- from the first to the last order of a customer are as many gaps as orders, less one
    round(
        (
            sum(extract(epoch from last_order_date - first_order_date)) filter (where total_orders > 1) / 86400
            / sum(total_orders - 1) filter (where total_orders > 1)
        )::numeric, 2
    ) as days_between_orders,
    coalesce(sum(total_orders - 1) filter (where total_orders > 1), 0)::bigint as gaps
from business_vault.customers(segments, states)
