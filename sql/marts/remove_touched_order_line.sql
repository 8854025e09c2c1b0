with gone as (
    delete from business_vault.mart_order_line as m
    using touched_order as t
    where m.transaction_id = t.transaction_id
    returning
        m.product_id, m.quantity, m.total_amount, m.customer_id, m.order_date, m.order_status, m.is_first_line
)
insert into replaced_line
select product_id, quantity, total_amount, customer_id, order_date, order_status, is_first_line
from gone
