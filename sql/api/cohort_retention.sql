-- A cohort: the customers who ordered first in a month; of each, how many ordered again how many months later.
with active as (
    select distinct customer_id, date_trunc('month', order_date, 'UTC') as month
    from business_vault.vw_order_analytics
    where customer_id is not null
), cohort as (
    select customer_id, min(month) as cohort
    from active
    group by customer_id
), counted as (
    select
        cohort,
        (extract(year from age(month, cohort)) * 12 + extract(month from age(month, cohort)))::int as months_later,
        count(*) as customers
    from active
    join cohort using (customer_id)
    group by cohort, months_later
)
select
    to_char(cohort at time zone 'UTC', 'YYYY-MM') as cohort,
    months_later,
    customers,
    round(customers::numeric / first_value(customers) over (partition by cohort order by months_later), 4) as share
from counted
order by cohort, months_later
