-- A product that no file describes has no category.
select
    category,
    count(*) as products,
    sum(total_sold)::bigint as order_lines,
    sum(total_quantity)::bigint as quantity,
    sum(revenue) as revenue
from business_vault.vw_product_analytics
group by category
order by revenue desc, category
