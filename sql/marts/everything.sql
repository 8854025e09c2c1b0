-- Nothing is published yet, so all that the vault holds is touched; the same tables as touched.sql makes.
create temp table touched_order on commit drop as
select order_hash_key, transaction_id from raw_vault.hub_order where transaction_id is not null;

analyze touched_order;

create temp table touched_customer on commit drop as
select customer_hash_key from raw_vault.hub_customer;

analyze touched_customer;

create temp table touched_product on commit drop as
select product_hash_key from raw_vault.hub_product;

analyze touched_product;
