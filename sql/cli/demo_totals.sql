-- Orders, their revenue, customers, and their lifetime value together.
select
    (select count(distinct transaction_id) from business_vault.vw_order_analytics),
    (select coalesce(sum(total_amount), 0) from business_vault.vw_order_analytics),
    count(*),
    coalesce(sum(lifetime_value), 0)
from business_vault.vw_customer_360
