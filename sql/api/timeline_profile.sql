-- What has changed in one customer's attributes, as entries of a timeline.
select
    effective_at as at,
    'profile' as kind,
    lpad(position::text, 8, '0') as id,
    json_build_object('changes', coalesce(changes, '[]')) as data
from (
    select *, lag(stated) over (order by position) as earlier
    from ({stated}) as stated
    where differs
) as version
cross join lateral (
    select json_agg(json_build_object('field', name, 'before', {before}, 'after', {after})) as changes
    from (
        values
        ('first_name', (earlier).first_name, first_name, true),
        ('last_name', (earlier).last_name, last_name, true),
        ('email', (earlier).email, email, true),
        ('phone', (earlier).phone, phone, true),
        ('country', (earlier).country, country, false),
        ('state', (earlier).state, state, false),
        ('city', (earlier).city, city, false),
        ('customer_segment', (earlier).customer_segment, customer_segment, false),
        ('signup_date', (earlier).signup_date::text, signup_date::text, false)
    ) as field (name, before, after, personal)
    where before is distinct from after
) as compared
