delete from business_vault.mart_customer_360 as m
using touched_customer as t
where m.customer_id = t.customer_id
