-- The customers that figures count, and the row that describes each now.
select
    'customer' as kind,
    c.customer_id,
    c.customer_segment,
    c.country,
    c.state,
    c.total_orders,
    c.lifetime_value,
    c.first_order_date,
    c.last_order_date,
    c.rfm_label,
    c.rfm_recency,
    c.rfm_frequency,
    c.rfm_monetary,
    {counts}::numeric as counts,
    o.object_key as file,
    m.details_record_row as row,
    metadata.line_of(m.details_record_source, m.details_record_row) as line,
    o.run_id
from business_vault.customers(%(segment)s::text [], %(state)s::text []) as c
join business_vault.mart_customer_360 as m on m.customer_id = c.customer_id
left join metadata.object_version as o on o.object_id = m.details_record_source
