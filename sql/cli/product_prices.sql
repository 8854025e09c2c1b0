-- Products for synthetic sessions, and what one costs.
select
    product_id,
    coalesce(price, 20)::float
from business_vault.vw_product_analytics
limit %s
