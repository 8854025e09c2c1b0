-- all time and every product: what the customer mart has summed already, and the rest, which is nobody's
with bought as (
    select country, state, total_orders::numeric as orders, lifetime_value as revenue
    from business_vault.customers(segments, states)
    where since is null and until is null and categories is null and statuses is null and total_orders > 0
    union all
    select null, null, anonymous.orders, anonymous.revenue
    from (
        select count(*) filter (where l.is_first_line) as orders, sum(l.total_amount) as revenue, count(*) as order_lines
        from business_vault.sale_lines(null, null, segments, states, null, null) as l
        where l.customer_id is null
    ) as anonymous
    where since is null and until is null and categories is null and statuses is null and anonymous.order_lines > 0
    union all
    select country, state, orders, revenue
    from business_vault.sale_parts(since, until, segments, states, categories, statuses)
    where since is not null or until is not null or categories is not null or statuses is not null
)
select country, state, sum(orders)::bigint as orders, sum(revenue) as revenue
from bought
group by country, state
order by revenue desc, country, state
