-- A product that has changed its category (temporary table renamed_product) may change the favourite category of all
-- who ever bought it. They are looked up order by order (offset 0 keeps the planner from reading whole tables).
insert into touched_customer (customer_hash_key, customer_id)
select distinct c.customer_hash_key, c.customer_id
from renamed_product
cross join lateral (
    select l.order_hash_key
    from raw_vault.link_order_product as l
    where l.product_hash_key = renamed_product.product_hash_key
    offset 0
) as sold
cross join lateral (
    select h.customer_hash_key, h.customer_id
    from raw_vault.sat_customer_order_effectivity as e
    join raw_vault.link_customer_order as l on l.link_hash_key = e.link_hash_key
    join raw_vault.hub_customer as h on h.customer_hash_key = l.customer_hash_key
    where e.order_hash_key = sold.order_hash_key and h.customer_id is not null
    offset 0
) as c
where not exists (select from touched_customer as t where t.customer_hash_key = c.customer_hash_key);
