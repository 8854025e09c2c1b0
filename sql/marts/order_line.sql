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
    -- planned alone (`offset 0`): of these two the planner knows how many there are, of all joins together it does not
    select line.*
    from line
    left join status using (link_hash_key)
    where status.is_deleted is not true
    offset 0
), sold as (
    select
        p.order_hash_key, p.product_hash_key, p.link_hash_key,
        h.transaction_id, p.line_number, hp.product_id, hc.customer_id, details.order_date, alive.quantity,
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
    join raw_vault.link_order_product as p using (link_hash_key)
    join raw_vault.hub_order as h using (order_hash_key)
    join details using (order_hash_key)
    join customer using (order_hash_key)
    join raw_vault.link_customer_order as lc on lc.link_hash_key = customer.link_hash_key
    join raw_vault.hub_customer as hc on hc.customer_hash_key = lc.customer_hash_key
    join raw_vault.hub_product as hp using (product_hash_key)
), several as materialized (
    select order_hash_key, product_hash_key
    from sold
    group by order_hash_key, product_hash_key
    having count(*) > 1 and bool_or(line_number is null)
), numbered as (
    -- a line without a number has the count of its product in the order
    select
        transaction_id, coalesce(line_number, 1) as line_number, product_id, customer_id, order_date, quantity,
        unit_price, total_amount, payment_method, order_status, record_source, record_row,
        details_record_source, details_record_row, customer_record_source, customer_record_row
    from sold
    where not exists (
        select from several
        where several.order_hash_key = sold.order_hash_key and several.product_hash_key = sold.product_hash_key
    )
    union all
    select
        transaction_id,
        coalesce(
            line_number,
            coalesce(max(line_number) over (partition by order_hash_key, product_hash_key), 0) + row_number() over (
                partition by order_hash_key, product_hash_key, line_number is null
                order by quantity, unit_price, total_amount, link_hash_key
            )
        ),
        product_id, customer_id, order_date, quantity,
        unit_price, total_amount, payment_method, order_status, record_source, record_row,
        details_record_source, details_record_row, customer_record_source, customer_record_row
    from sold
    join several using (order_hash_key, product_hash_key)
)
insert into business_vault.mart_order_line (
    transaction_id, line_number, product_id, customer_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status, is_first_line, record_source, record_row, details_record_source, details_record_row,
    customer_record_source, customer_record_row
)
select
    transaction_id, line_number, product_id, customer_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status,
    transaction_id is distinct from lag(transaction_id) over (order by transaction_id, line_number, product_id),
    record_source, record_row, details_record_source, details_record_row, customer_record_source, customer_record_row
from numbered
order by transaction_id, line_number, product_id;
