-- The touched products: their details in force last, and how they have sold.
delete from business_vault.mart_product_analytics as mart
using touched_product
join raw_vault.hub_product as h using (product_hash_key)
where mart.product_id = h.product_id;

with details as (
    select distinct on (s.product_hash_key)
        s.product_hash_key, s.product_name, s.category, s.price, s.cost, s.supplier
    from raw_vault.sat_product_details as s
    join touched_product using (product_hash_key)
    join metadata.object_position as p on p.object_id = s.record_source
    order by s.product_hash_key, p.position desc, s.record_row desc
), touched as (
    select h.product_hash_key, h.product_id
    from touched_product
    join raw_vault.hub_product as h using (product_hash_key)
    where h.product_id is not null
), sales as (
    select
        m.product_id,
        count(*) as total_sold,
        sum(m.quantity) as total_quantity,
        sum(m.total_amount) as revenue
    from business_vault.mart_order_line as m
    join touched using (product_id)
    group by m.product_id
)
insert into business_vault.mart_product_analytics (
    product_id, product_name, category, price, cost, supplier, total_sold, total_quantity, revenue, avg_price
)
select
    touched.product_id, d.product_name, d.category, d.price, d.cost, d.supplier, coalesce(s.total_sold, 0),
    coalesce(s.total_quantity, 0), coalesce(s.revenue, 0), round(s.revenue / nullif(s.total_quantity, 0), 2)
from touched
left join details as d using (product_hash_key)
left join sales as s using (product_id)
order by touched.product_id;
