-- Where the customers are now; anonymous sales are in no state.
select c.country, c.state, count(distinct o.transaction_id) as orders, sum(o.total_amount) as revenue
from business_vault.vw_order_analytics as o
left join business_vault.vw_customer_360 as c using (customer_id)
group by c.country, c.state
order by revenue desc, c.country, c.state
