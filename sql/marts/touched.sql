-- What the objects of this run (temporary table published_object) may have changed.
create temp table touched_order on commit drop as
with touched as (
    select order_hash_key from raw_vault.sat_order_details where record_source in (select object_id from published_object)
    union
    select order_hash_key
    from raw_vault.sat_customer_order_effectivity
    where record_source in (select object_id from published_object)
    union
    select l.order_hash_key
    from raw_vault.sat_order_line as s
    join raw_vault.link_order_product as l using (link_hash_key)
    where s.record_source in (select object_id from published_object)
)
select h.order_hash_key, h.transaction_id
from touched
join raw_vault.hub_order as h using (order_hash_key);

analyze touched_order;

create temp table touched_customer on commit drop as
select customer_hash_key from raw_vault.sat_customer_details where record_source in (select object_id from published_object)
union
select customer_hash_key from raw_vault.hub_customer where record_source in (select object_id from published_object)
union
-- every customer that the order has ever had: a correction takes it from one and gives it to another
select l.customer_hash_key
from touched_order
join raw_vault.sat_customer_order_effectivity as e using (order_hash_key)
join raw_vault.link_customer_order as l using (link_hash_key);

analyze touched_customer;

create temp table touched_product on commit drop as
select product_hash_key from raw_vault.sat_product_details where record_source in (select object_id from published_object)
union
select product_hash_key from raw_vault.hub_product where record_source in (select object_id from published_object)
union
select l.product_hash_key from raw_vault.link_order_product as l join touched_order using (order_hash_key);

analyze touched_product;
