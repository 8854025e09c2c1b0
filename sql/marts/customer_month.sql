-- What the changed lines add to each month of their customers, and take away.
insert into business_vault.mart_customer_month as m (customer_id, month, orders, order_lines, revenue)
select
    customer_id,
    date_trunc('month', order_date at time zone {zone})::date as month,
    sum(change * is_first_line::integer),
    sum(change),
    business_vault.amount(sum(change * total_amount))
from ({changes}) as changed
where customer_id is not null and order_date is not null
group by customer_id, month
order by customer_id, month
{merge}
