-- The lines of the orders in scope (every order, or joined to the touched ones), each with the versions in force last.
-- Where a version came from the row that the line came from, its own pointer is left empty (see pit_order).
with details as (
    {sat_order_details}
), customer as (
    {sat_customer_order_effectivity}
), line as (
    {sat_order_line}
), status as (
    {sat_order_line_status}
), alive as (
    select line.*
    from line
    left join status on status.link_hash_key = line.link_hash_key
    where status.is_deleted is not true
    {planned_alone}
), sold as (
    select
        h.transaction_id, {line_number} as line_number, hp.product_id, hc.customer_id, details.order_date, alive.quantity,
        alive.unit_price, alive.total_amount, details.payment_method, details.order_status,
        alive.record_source, alive.record_row,
        case when details.record_row <> alive.record_row or details.record_source <> alive.record_source
            then details.record_source end as details_record_source,
        case when details.record_row <> alive.record_row or details.record_source <> alive.record_source
            then details.record_row end as details_record_row,
        case when customer.record_row <> alive.record_row or customer.record_source <> alive.record_source
            then customer.record_source end as customer_record_source,
        case when customer.record_row <> alive.record_row or customer.record_source <> alive.record_source
            then customer.record_row end as customer_record_row
    from alive
    join raw_vault.link_order_product as p on p.link_hash_key = alive.link_hash_key
    join raw_vault.hub_order as h on h.order_hash_key = p.order_hash_key
    join details on details.order_hash_key = p.order_hash_key
    join customer on customer.order_hash_key = p.order_hash_key
    join raw_vault.link_customer_order as lc on lc.link_hash_key = customer.link_hash_key
    join raw_vault.hub_customer as hc on hc.customer_hash_key = lc.customer_hash_key
    join raw_vault.hub_product as hp on hp.product_hash_key = p.product_hash_key
    {numbered}
)
select
    transaction_id, line_number, product_id, customer_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status,
    transaction_id is distinct from lag(transaction_id) over (order by transaction_id, line_number, product_id)
        as is_first_line,
    record_source, record_row, details_record_source, details_record_row, customer_record_source, customer_record_row
from sold
order by transaction_id, line_number, product_id
