-- the most frequent products first: a pair is at most as frequent as each of its products
with frequent as materialized (
    select product_id, product_name
    from business_vault.vw_product_analytics
    where total_sold > 0
    order by total_sold desc, product_id
    limit 100
), basket as materialized (
    select distinct l.customer_id, l.product_id
    from business_vault.vw_order_analytics as l
    join frequent using (product_id)
    where l.customer_id is not null
), buyers as (
    select product_id, count(*) as customers
    from basket
    group by product_id
), everybody as (
    select count(*) as customers
    from business_vault.vw_customer_360_published
    where total_orders > 0
), pair as (
    select a.product_id, b.product_id as other_product_id, count(*) as customers
    from basket as a
    join basket as b on b.customer_id = a.customer_id and b.product_id > a.product_id
    group by a.product_id, b.product_id
)
select
    p.product_id,
    f.product_name,
    p.other_product_id,
    g.product_name as other_product_name,
    p.customers,
    round(p.customers::numeric / e.customers, 6) as support,
    round(p.customers::numeric / a.customers, 4) as confidence,
    round(p.customers::numeric * e.customers / (a.customers * b.customers), 4) as lift
from pair as p
cross join everybody as e
join buyers as a on a.product_id = p.product_id
join buyers as b on b.product_id = p.other_product_id
join frequent as f on f.product_id = p.product_id
join frequent as g on g.product_id = p.other_product_id
order by p.customers desc, lift desc, p.product_id, p.other_product_id
limit 50
