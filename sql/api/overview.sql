-- The figures of the whole: one row.
select
    (select count(*) from business_vault.vw_customer_360) as customers,
    (select count(*) from business_vault.vw_customer_360 where total_orders > 0) as customers_with_orders,
    (select count(*) from business_vault.vw_product_analytics) as products,
    count(*) as orders,
    coalesce(sum(lines), 0)::bigint as order_lines,
    coalesce(sum(revenue), 0) as revenue,
    round(avg(revenue), 2) as avg_order_value,
    coalesce(sum(revenue) filter (where customer_id is null), 0) as anonymous_revenue,
    min(order_date) as first_order_date,
    max(order_date) as last_order_date
from (
    select
        transaction_id,
        min(customer_id) as customer_id,
        min(order_date) as order_date,
        count(*) as lines,
        sum(total_amount) as revenue
    from business_vault.vw_order_analytics
    group by transaction_id
) as placed
