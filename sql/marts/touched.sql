-- What the objects of this run (temporary table published_object) may have changed. A row that was reinstated after a
-- late one carries the origin of an older object, but the late one before it is of the same key and of this run.
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
    union
    select l.order_hash_key
    from raw_vault.sat_order_line_status as s
    join raw_vault.link_order_product as l using (link_hash_key)
    where s.record_source in (select object_id from published_object)
)
select h.order_hash_key, h.transaction_id
from touched
join raw_vault.hub_order as h using (order_hash_key);

analyze touched_order;

create temp table touched_line on commit drop as
select l.link_hash_key from raw_vault.link_order_product as l join touched_order using (order_hash_key);

analyze touched_line;

create temp table touched_product on commit drop as
with touched as (
    select product_hash_key from raw_vault.sat_product_details where record_source in (select object_id from published_object)
    union
    select product_hash_key from raw_vault.sat_product_status where record_source in (select object_id from published_object)
    union
    select l.product_hash_key from raw_vault.link_order_product as l join touched_order using (order_hash_key)
    union
    -- keys that only the clickstream has named
    select h.product_hash_key
    from raw_vault.hub_product as h
    where
        h.record_source = -1
        and not exists (select from business_vault.mart_product_analytics as m where m.product_id = h.product_id)
)
select h.product_hash_key, h.product_id
from touched
join raw_vault.hub_product as h using (product_hash_key)
where h.product_id is not null;

analyze touched_product;

create temp table touched_customer on commit drop as
with touched as (
    select customer_hash_key from raw_vault.sat_customer_details where record_source in (select object_id from published_object)
    union
    select customer_hash_key from raw_vault.sat_customer_status where record_source in (select object_id from published_object)
    union
    -- every customer that the order has ever had: a correction takes it from one and gives it to another
    select l.customer_hash_key
    from touched_order
    join raw_vault.sat_customer_order_effectivity as e using (order_hash_key)
    join raw_vault.link_customer_order as l using (link_hash_key)
    union
    select h.customer_hash_key
    from raw_vault.hub_customer as h
    where
        h.record_source = -1
        and not exists (select from business_vault.mart_customer_360 as m where m.customer_id = h.customer_id)
    union
    -- an order has crossed the edge of a window since the figures were computed
    select h.customer_hash_key
    from business_vault.mart_customer_360 as m
    join raw_vault.hub_customer as h using (customer_id)
    where m.next_window_change <= (select a.anchor from business_vault.mart_anchor as a)
)
select h.customer_hash_key, h.customer_id
from touched
join raw_vault.hub_customer as h using (customer_hash_key)
where h.customer_id is not null;

analyze touched_customer;

-- what these keys' rows in the marts were
create temp table replaced_line (product_id text, quantity bigint, total_amount numeric) on commit drop;

create temp table replaced_product (
    product_id text, category text, total_sold bigint, total_quantity numeric, revenue numeric
) on commit drop;
