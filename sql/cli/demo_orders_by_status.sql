-- Orders by status, the most first.
select coalesce(order_status, '(none)'), count(distinct transaction_id)
from business_vault.vw_order_analytics
group by 1
order by 2 desc, 1
