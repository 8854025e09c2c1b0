-- The customers who were known before the months that were held back, and what was predicted of each for one of them.
select
    'customer' as kind,
    c.customer_id,
    c.customer_segment,
    c.country,
    c.state,
    c.total_orders,
    c.lifetime_value,
    v.counts,
    o.object_key as file,
    m.details_record_row as row,
    metadata.line_of(m.details_record_source, m.details_record_row) as line,
    o.run_id
from (
    with cell as materialized (
        select n.cohort, n.months_later, n.month, n.customers, n.revenue
        from business_vault.cohort_revenue(%(segment)s::text [], %(state)s::text []) as n
    ), cut as materialized (
        select (max(n.month) - interval '3 months')::date as last_month
        from cell as n
    ), learnt as (
        select n.months_later, sum(n.revenue) / sum(n.customers) as per_customer
        from cell as n, cut
        where n.month <= cut.last_month
        group by n.months_later
    )
    select b.customer_id, coalesce(l.per_customer, 0) as counts
    from business_vault.cohort_months(%(segment)s::text [], %(state)s::text []) as b
    join cell as n on n.cohort = b.cohort and n.month = to_date(%(point_month)s::text, 'YYYY-MM')
    left join learnt as l on l.months_later = n.months_later
    where b.month = b.cohort and b.cohort <= (select cut.last_month from cut)
) as v
join business_vault.customers(%(segment)s::text [], %(state)s::text []) as c on c.customer_id = v.customer_id
join business_vault.mart_customer_360 as m on m.customer_id = c.customer_id
left join metadata.object_version as o on o.object_id = m.details_record_source
