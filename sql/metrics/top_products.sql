-- of all time and all customers: what the product mart has summed already
with sold as (
    select product_id, total_sold::bigint as order_lines, total_quantity as quantity, revenue
    from business_vault.vw_product_analytics
    where
        since is null and until is null and segments is null and states is null and statuses is null
        and total_sold > 0
        and (categories is null or coalesce(category, '') = any(categories))
    union all
    select l.product_id, count(*), sum(l.quantity), sum(l.total_amount)
    from business_vault.sale_lines(since, until, segments, states, categories, statuses) as l
    where since is not null or until is not null or segments is not null or states is not null or statuses is not null
    group by l.product_id
), top as (
    select *
    from sold
    order by revenue desc, product_id
    limit 20
)
select t.product_id, p.product_name, p.category, t.order_lines, t.quantity::bigint as quantity, t.revenue
from top as t
join business_vault.vw_product_analytics as p using (product_id)
order by t.revenue desc, t.product_id
