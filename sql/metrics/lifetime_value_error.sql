with cell as materialized (
    select *
    from business_vault.cohort_revenue(segments, states)
), cut as materialized (
    select (max(month) - interval '3 months')::date as last_month
    from cell
), learnt as (
    select months_later, sum(revenue) / sum(customers) as per_customer
    from cell, cut
    where month <= last_month
    group by months_later
)
select
    to_char(month, 'YYYY-MM') as month,
    round(sum(customers * coalesce(per_customer, 0)), 2) as predicted,
    sum(revenue) as actual,
    round(sum(customers * coalesce(per_customer, 0)) / nullif(sum(revenue), 0) - 1, 4) as error
from cell
cross join cut
left join learnt using (months_later)
where cohort <= last_month and month > last_month
group by month
order by month
