-- Customers by segment, the most first.
select coalesce(customer_segment, '(none)'), count(*)
from business_vault.vw_customer_360
group by 1
order by 2 desc, 1
