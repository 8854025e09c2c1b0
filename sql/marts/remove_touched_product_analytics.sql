with gone as (
    delete from business_vault.mart_product_analytics as m
    using touched_product as t
    where m.product_id = t.product_id
    returning m.product_id, m.category, m.total_sold, m.total_quantity, m.revenue
)
insert into replaced_product
select product_id, category, total_sold, total_quantity, revenue
from gone
