-- Days are UTC; a day without orders has no row.
select
    (order_date at time zone 'UTC')::date as day,
    count(distinct transaction_id) as orders,
    sum(total_amount) as revenue
from business_vault.vw_order_analytics
where order_date >= coalesce(%(ordered_from)s::timestamptz, '-infinity')
    and order_date < coalesce(%(ordered_before)s::timestamptz, 'infinity')
group by day
order by day
