-- The customers that the lifetime value of a month counts: of each cohort that has lived it whole.
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
        select n.cohort, n.months_later, n.month, n.customers
        from business_vault.cohort_revenue(%(segment)s::text [], %(state)s::text []) as n
        where n.months_later < 12
    ), aged as (
        select n.months_later, sum(n.customers) as customers
        from cell as n
        group by n.months_later
    ), bought as materialized (
        select b.customer_id, b.cohort, b.month, b.revenue
        from business_vault.cohort_months(%(segment)s::text [], %(state)s::text []) as b
    )
    select p.customer_id, {counts}::numeric as counts
    from bought as p
    join cell as l on l.cohort = p.cohort and {months}
    join aged as a on a.months_later = l.months_later
    left join bought as b on b.customer_id = p.customer_id and b.month = l.month
    where p.month = p.cohort
    group by p.customer_id
) as v
join business_vault.customers(%(segment)s::text [], %(state)s::text []) as c on c.customer_id = v.customer_id
join business_vault.mart_customer_360 as m on m.customer_id = c.customer_id
left join metadata.object_version as o on o.object_id = m.details_record_source
