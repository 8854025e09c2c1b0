select b.from_days::bigint, b.to_days::bigint, count(c.days) as customers
from (values (0, 8), (8, 31), (31, 91), (91, 181), (181, 366), (366, null)) as b (from_days, to_days)
left join (
    select extract(epoch from last_order_date - first_order_date) / 86400 / (total_orders - 1) as days
    from business_vault.customers(segments, states)
    where total_orders > 1
) as c on c.days >= b.from_days and (b.to_days is null or c.days < b.to_days)
group by b.from_days, b.to_days
order by b.from_days
