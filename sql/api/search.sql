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
select coalesce(json_agg(to_jsonb(shown) - '{{place,key}}'::text [] order by place, key), '[]')::text, count(*)
from (
    select
        best.place,
        m.customer_id as key,
        'customer' as kind,
        {customer_id} as customer_id,
        {first_name} as first_name,
        {last_name} as last_name,
        {email} as email,
        m.customer_segment
    from best
    join business_vault.mart_customer_360 as m using (customer_id)
) as shown
