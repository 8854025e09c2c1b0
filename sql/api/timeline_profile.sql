-- What has changed in one customer's attributes, as entries of a timeline.
select
    effective_at as at,
    'profile' as kind,
    lpad(position::text, 8, '0') as id,
    json_build_object('changes', coalesce(changes, '[]')) as data
from (
    select
        *,
        lag(first_name) over w as earlier_first_name,
        lag(last_name) over w as earlier_last_name,
        lag(email) over w as earlier_email,
        lag(phone) over w as earlier_phone,
        lag(country) over w as earlier_country,
        lag(state) over w as earlier_state,
        lag(city) over w as earlier_city,
        lag(customer_segment) over w as earlier_customer_segment,
        lag(signup_date) over w as earlier_signup_date
    from ({stated}) as stated
    where differs
    window w as (order by position)
) as version
cross join lateral (
    select json_agg(json_build_object('field', name, 'before', {before}, 'after', {after})) as changes
    from (
        values
        ('first_name', earlier_first_name, first_name),
        ('last_name', earlier_last_name, last_name),
        ('email', earlier_email, email),
        ('phone', earlier_phone, phone),
        ('country', earlier_country, country),
        ('state', earlier_state, state),
        ('city', earlier_city, city),
        ('customer_segment', earlier_customer_segment, customer_segment),
        ('signup_date', earlier_signup_date::text, signup_date::text)
    ) as field (name, before, after)
    where before is distinct from after
) as compared
