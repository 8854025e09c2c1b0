-- Customers for synthetic sessions.
select customer_id
from business_vault.vw_customer_360
limit %s
