with counted as (
    select m.cohort, m.month, count(*) as customers
    from business_vault.cohort_months(segments, states) as m
    group by m.cohort, m.month
)
select
    to_char(cohort, 'YYYY-MM') as cohort,
    (
        (extract(year from month) - extract(year from cohort)) * 12 + extract(month from month) - extract(month from cohort)
    )::bigint as months_later,
    customers,
    round(customers::numeric / first_value(customers) over w, 4) as share,
    first_value(customers) over w as cohort_customers
from counted
window w as (partition by cohort order by month)
order by cohort, months_later
