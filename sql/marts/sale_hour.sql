-- What the changed lines add to each hour of the reporting time zone, and take away.
insert into business_vault.mart_sale_hour as m (
    order_day, order_hour, order_status, orders, order_lines, quantity, revenue, anonymous_revenue
)
select
    (order_date at time zone {zone})::date as order_day,
    extract(hour from order_date at time zone {zone})::smallint as order_hour,
    order_status,
    sum(change * is_first_line::integer),
    sum(change),
    sum(change * quantity),
    business_vault.amount(sum(change * total_amount)),
    business_vault.amount(coalesce(sum(change * total_amount) filter (where customer_id is null), 0))
from ({changes}) as changed
group by order_day, order_hour, order_status
order by order_day, order_hour, order_status
{merge}
