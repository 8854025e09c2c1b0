-- The customers who were known before the months that were held back, and bought in one of them.
select
    'customer' as kind,
    c.customer_id,
    c.customer_segment,
    c.country,
    c.state,
    c.total_orders,
    c.lifetime_value,
    b.revenue as counts,
    o.object_key as file,
    m.details_record_row as row,
    metadata.line_of(m.details_record_source, m.details_record_row) as line,
    o.run_id
from business_vault.cohort_months(%(segment)s::text [], %(state)s::text []) as b
join business_vault.customers(%(segment)s::text [], %(state)s::text []) as c on c.customer_id = b.customer_id
join business_vault.mart_customer_360 as m on m.customer_id = c.customer_id
left join metadata.object_version as o on o.object_id = m.details_record_source
where
    b.month = to_date(%(point_month)s::text, 'YYYY-MM')
    and b.cohort <= (
        select max(n.month) - interval '3 months'
        from business_vault.cohort_revenue(%(segment)s::text [], %(state)s::text []) as n
    )
