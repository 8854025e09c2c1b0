-- What can be filtered by; null stands for what is not known.
select
    (select json_agg(v order by v) from (select distinct customer_segment as v from business_vault.vw_customer_360_published))
        as segments,
    (select json_agg(v order by v) from (select distinct state as v from business_vault.vw_customer_360_published)) as states,
    (select json_agg(v order by v) from (select distinct category as v from business_vault.vw_product_analytics))
        as categories,
    (select json_agg(v order by v) from (select distinct order_status as v from business_vault.vw_sale_hour)) as statuses,
    (select min(order_day) from business_vault.vw_sale_hour) as first_day,
    (select max(order_day) from business_vault.vw_sale_hour) as last_day
