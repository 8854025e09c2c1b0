with gap as (
    select (last_order_date - first_order_date) / (total_orders - 1) as mean
    from business_vault.customers(segments, states)
    where total_orders > 1
), counted as (
    select
        case
            when mean < interval '8 days' then 0
            when mean < interval '31 days' then 8
            when mean < interval '91 days' then 31
            when mean < interval '181 days' then 91
            when mean < interval '366 days' then 181
            else 366
        end as from_days,
        count(*) as customers
    from gap
    group by 1
)
select b.from_days::bigint, b.to_days::bigint, coalesce(c.customers, 0) as customers
from (values (0, 8), (8, 31), (31, 91), (91, 181), (181, 366), (366, null)) as b (from_days, to_days)
left join counted as c using (from_days)
order by b.from_days
