-- A product that has changed its category may change the favourite category of all who bought it.
insert into touched_customer (customer_hash_key, customer_id)
select distinct c.customer_hash_key, c.customer_id
from replaced_product
join business_vault.mart_product_analytics as p using (product_id)
join raw_vault.hub_product as h using (product_id)
join raw_vault.link_order_product as l using (product_hash_key)
join raw_vault.sat_customer_order_effectivity as e using (order_hash_key)
join raw_vault.link_customer_order as lc on lc.link_hash_key = e.link_hash_key
join raw_vault.hub_customer as c on c.customer_hash_key = lc.customer_hash_key
where
    p.category is distinct from replaced_product.category
    and c.customer_id is not null
    and not exists (select from touched_customer as t where t.customer_hash_key = c.customer_hash_key);
