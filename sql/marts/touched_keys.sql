-- The products and customers that the touched orders, and new rows of their own satellites, may have changed.
create temp table touched_product on commit drop as
with touched as (
    select s.product_hash_key from raw_vault.sat_product_details as s where {sat_product_details}
    union
    select s.product_hash_key from raw_vault.sat_product_status as s where {sat_product_status}
    union
    select l.product_hash_key from raw_vault.link_order_product as l join touched_line using (link_hash_key)
    union
    select t.hash_key
    from raw_vault.record_tracking_satellite as t
    where t.satellite = 'sat_product_details' and {unchanged_of_retracted}
    union
    -- keys that a file was the first to name that is retracted, or has come into force
    select h.product_hash_key
    from raw_vault.hub_product as h
    where {first_named}
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
    select s.customer_hash_key from raw_vault.sat_customer_details as s where {sat_customer_details}
    union
    select s.customer_hash_key from raw_vault.sat_customer_status as s where {sat_customer_status}
    union
    -- every customer that the order has ever had: a correction takes it from one and gives it to another
    select owner.customer_hash_key
    from touched_order as t
    {owners}
    union
    -- customers that only a row has named which another row of its order overrules
    select s.customer_hash_key
    from staging.transactions as s
    where
        {hub_customer}
        and not exists (select from business_vault.mart_customer_360 as m where m.customer_id = s.customer_id)
    union
    select t.hash_key
    from raw_vault.record_tracking_satellite as t
    where t.satellite = 'sat_customer_details' and {unchanged_of_retracted}
    union
    -- keys that a file was the first to name that is retracted, or has come into force
    select h.customer_hash_key
    from raw_vault.hub_customer as h
    where {first_named}
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
create temp table replaced_line (
    product_id text,
    quantity bigint,
    total_amount numeric,
    customer_id text,
    order_date timestamptz,
    order_status text,
    is_first_line boolean
) on commit drop;

create temp table replaced_product (
    product_id text, category text, total_sold bigint, total_quantity numeric, revenue numeric
) on commit drop;
