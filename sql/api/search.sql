-- Customers whose id is the text, whose id begins with it, or in whose name and address its words occur.
with found as (
    select customer_id, 1 as place
    from business_vault.mart_customer_360
    where customer_id = %(q)s
    union all
    (
        select customer_id, 2
        from business_vault.mart_customer_360
        where starts_with(customer_id, %(q)s)
        order by customer_id
        limit %(limit)s
    )
    union all
    (
        select customer_id, 3
        from business_vault.mart_customer_360
        where
            %(patterns)s::text [] is not null
            and lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(email, ''))
            like all(%(patterns)s::text [])
        order by customer_id
        limit %(limit)s
    )
), best as (
    select customer_id, min(place) as place
    from found
    group by customer_id
    order by place, customer_id
    limit %(limit)s
)
select coalesce(json_agg(row_to_json(shown) order by place, customer_id), '[]')::text, count(*)
from (
    select
        'customer' as kind,
        m.customer_id,
        case when %(masked)s and m.first_name is not null then '***' else m.first_name end as first_name,
        case when %(masked)s and m.last_name is not null then '***' else m.last_name end as last_name,
        case when %(masked)s and m.email is not null then '***' else m.email end as email,
        m.customer_segment
    from best
    join business_vault.mart_customer_360 as m using (customer_id)
) as shown
join best using (customer_id)
