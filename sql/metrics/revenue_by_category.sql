-- of all time and all customers: what the product mart has summed already
with product as (
    select *
    from business_vault.vw_product_analytics
    where categories is null or coalesce(category, '') = any(categories)
), sold as (
    select category, total_sold::numeric as order_lines, total_quantity as quantity, revenue
    from product
    where since is null and until is null and segments is null and states is null and statuses is null
    union all
    select l.category, count(*), sum(l.quantity), sum(l.total_amount)
    from business_vault.sale_lines(since, until, segments, states, categories, statuses) as l
    where since is not null or until is not null or segments is not null or states is not null or statuses is not null
    group by l.category
)
select
    p.category,
    p.products,
    coalesce(s.order_lines, 0)::bigint as order_lines,
    coalesce(s.quantity, 0)::bigint as quantity,
    coalesce(s.revenue, 0) as revenue
from (select category, count(*) as products from product group by category) as p
left join (
    select category, sum(order_lines) as order_lines, sum(quantity) as quantity, sum(revenue) as revenue
    from sold
    group by category
) as s on coalesce(s.category, '') = coalesce(p.category, '')
order by revenue desc, p.category
