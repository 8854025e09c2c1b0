-- What the new rows of each satellite (those of this run's objects) may have changed. A row that was reinstated after a
-- late one carries the origin of an older object, but the late one before it is of the same key and of this run.
create temp table touched_order on commit drop as
with touched as (
    select s.order_hash_key from raw_vault.sat_order_details as s where {sat_order_details}
    union
    select s.order_hash_key from raw_vault.sat_customer_order_effectivity as s where {sat_customer_order_effectivity}
    union
    select l.order_hash_key
    from raw_vault.sat_order_line as s
    join raw_vault.link_order_product as l using (link_hash_key)
    where {sat_order_line}
    union
    select l.order_hash_key
    from raw_vault.sat_order_line_status as s
    join raw_vault.link_order_product as l using (link_hash_key)
    where {sat_order_line_status}
    union
    select l.order_hash_key
    from raw_vault.record_tracking_satellite as t
    join raw_vault.link_order_product as l on l.link_hash_key = t.hash_key
    where t.satellite = 'sat_order_line' and {unchanged_of_retracted}
)
select h.order_hash_key, h.transaction_id
from touched
join raw_vault.hub_order as h using (order_hash_key);

analyze touched_order;

create temp table touched_line on commit drop as
select l.link_hash_key from raw_vault.link_order_product as l join touched_order using (order_hash_key);

analyze touched_line;
