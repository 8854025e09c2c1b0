-- The order lines of the touched orders, each with the versions in force last.
delete from business_vault.mart_order_line as mart
using touched_order
where mart.transaction_id = touched_order.transaction_id;

with details as (
    select distinct on (s.order_hash_key) s.order_hash_key, s.order_date, s.payment_method, s.order_status
    from raw_vault.sat_order_details as s
    join touched_order using (order_hash_key)
    join metadata.object_position as p on p.object_id = s.record_source
    order by s.order_hash_key, p.position desc, s.record_row desc
), customer as (
    select distinct on (s.order_hash_key) s.order_hash_key, s.link_hash_key
    from raw_vault.sat_customer_order_effectivity as s
    join touched_order using (order_hash_key)
    join metadata.object_position as p on p.object_id = s.record_source
    order by s.order_hash_key, p.position desc, s.record_row desc
), line as (
    select distinct on (s.link_hash_key)
        touched_order.transaction_id, l.order_hash_key, l.product_hash_key, l.line_number, s.quantity, s.unit_price, s.total_amount
    from raw_vault.sat_order_line as s
    join raw_vault.link_order_product as l using (link_hash_key)
    join touched_order using (order_hash_key)
    join metadata.object_position as p on p.object_id = s.record_source
    order by s.link_hash_key, p.position desc, s.record_row desc
)
insert into business_vault.mart_order_line (
    transaction_id, line_number, product_id, customer_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status
)
select
    line.transaction_id, line.line_number, p.product_id, c.customer_id, details.order_date, line.quantity,
    line.unit_price, line.total_amount, details.payment_method, details.order_status
from line
join details using (order_hash_key)
join customer using (order_hash_key)
join raw_vault.link_customer_order as l using (link_hash_key)
join raw_vault.hub_product as p on p.product_hash_key = line.product_hash_key
join raw_vault.hub_customer as c on c.customer_hash_key = l.customer_hash_key
order by line.transaction_id;
