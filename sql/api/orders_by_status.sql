select order_status, count(distinct transaction_id) as orders, count(*) as order_lines, sum(total_amount) as revenue
from business_vault.vw_order_analytics
group by order_status
order by orders desc, order_status
