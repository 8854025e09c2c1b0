-- the most frequent products first: a pair is at most as frequent as each of its products; their numbers are in the order
-- of their keys and quicker to compare
with frequent as materialized (
    select product_id, product_name, (row_number() over (order by product_id))::int as n
    from (
        select product_id, product_name
        from business_vault.vw_product_analytics
        where total_sold > 0
        order by total_sold desc, product_id
        limit 100
    ) as t
), basket as materialized (
    select l.customer_id, f.n
    from business_vault.vw_order_analytics as l
    join frequent as f using (product_id)
    where l.customer_id is not null
    group by l.customer_id, f.n
    -- sorted once here, and not twice for the pairs
    order by l.customer_id, f.n
), buyers as materialized (
    select n, count(*) as customers
    from basket
    group by n
), everybody as materialized (
    select count(*) as customers
    from business_vault.vw_customer_360_published
    where total_orders > 0
), pair as (
    select a.n, b.n as other, count(*) as customers
    from basket as a
    join basket as b on b.customer_id = a.customer_id and b.n > a.n
    group by a.n, b.n
)
select
    f.product_id,
    f.product_name,
    g.product_id as other_product_id,
    g.product_name as other_product_name,
    p.customers,
    round(p.customers::numeric / e.customers, 6) as support,
    round(p.customers::numeric / a.customers, 4) as confidence,
    round(p.customers::numeric * e.customers / (a.customers * b.customers), 4) as lift,
    a.customers as buyers,
    e.customers as customers_with_orders,
    round(a.customers::numeric * b.customers / e.customers, 4) as expected
from pair as p
cross join everybody as e
join buyers as a on a.n = p.n
join buyers as b on b.n = p.other
join frequent as f on f.n = p.n
join frequent as g on g.n = p.other
order by p.customers desc, lift desc, p.n, p.other
limit 50
