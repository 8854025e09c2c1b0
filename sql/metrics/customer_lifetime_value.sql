with cell as (
    select *
    from business_vault.cohort_revenue(segments, states)
    where months_later < 12
), aged as (
    select months_later, sum(customers)::bigint as customers, sum(revenue) / sum(customers) as per_customer
    from cell
    group by months_later
)
select
    months_later,
    customers,
    round(per_customer, 2) as revenue_per_customer,
    round(sum(per_customer) over (order by months_later), 2) as lifetime_value
from aged
order by months_later
