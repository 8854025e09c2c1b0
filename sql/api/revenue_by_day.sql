-- Days are UTC; a day without orders has no row.
select
    (order_date at time zone 'UTC')::date as day,
    count(distinct transaction_id) as orders,
    sum(total_amount) as revenue
from business_vault.vw_order_analytics
where order_date >= %(ordered_from)s and order_date < %(ordered_before)s
group by day
order by day
