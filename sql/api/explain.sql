-- Each field of one customer's profile, and where it comes from.
with cell as (
    select
        name,
        value,
        position,
        object_key,
        record_source,
        record_row,
        run_id,
        effective_at,
        loaded_at,
        row_number() over w = 1 or lag(value) over w is distinct from value as set_here
    from ({stated}) as stated
    cross join lateral (
        values
        ('first_name', first_name),
        ('last_name', last_name),
        ('email', email),
        ('phone', phone),
        ('country', country),
        ('state', state),
        ('city', city),
        ('customer_segment', customer_segment),
        ('signup_date', signup_date::text)
    ) as field (name, value)
    window w as (partition by name order by position)
), attribute as (
    select distinct on (name) *
    from cell
    where set_here
    order by name, position desc
), explained as (
    select
        n,
        name as field,
        {value} as value,
        'stated' as origin,
        null as rule,
        object_key as file,
        record_row as row,
        metadata.line_of(record_source, record_row) as line,
        run_id,
        effective_at,
        loaded_at
    from
        unnest(array[
            'first_name', 'last_name', 'email', 'phone', 'country', 'state', 'city', 'customer_segment', 'signup_date'
        ]) with ordinality as named (name, n)
    left join attribute using (name)
    union all
    select n, field, value, 'computed', rule, null, null, null, p.run_id, null, p.published_at
    from business_vault.vw_customer_360 as mart
    cross join lateral (
        values
        (10, 'total_orders', total_orders::text, 'orders of the customer, not order lines'),
        (11, 'lifetime_value', lifetime_value::text, 'sum of all order lines, whatever their status'),
        (12, 'avg_order_value', avg_order_value::text, 'lifetime_value / total_orders, rounded to the cent'),
        (13, 'first_order_date', to_json(first_order_date) #>> '{{}}', 'date of the first order'),
        (14, 'last_order_date', to_json(last_order_date) #>> '{{}}', 'date of the last order'),
        (15, 'days_since_last_order', days_since_last_order::text, 'days from last_order_date to the publication'),
        (16, 'orders_30_days', orders_30_days::text, 'orders of the last 30 days'),
        (17, 'orders_90_days', orders_90_days::text, 'orders of the last 90 days'),
        (18, 'orders_365_days', orders_365_days::text, 'orders of the last 365 days'),
        (19, 'revenue_30_days', revenue_30_days::text, 'sum of the order lines of the last 30 days'),
        (20, 'revenue_90_days', revenue_90_days::text, 'sum of the order lines of the last 90 days'),
        (21, 'revenue_365_days', revenue_365_days::text, 'sum of the order lines of the last 365 days'),
        (22, 'favourite_category', favourite_category, 'the category of most revenue'),
        (23, 'is_deleted', is_deleted::text, 'missing from the last complete list of customers'),
        (24, 'rfm_recency', rfm_recency::text, 'quintile of last_order_date among all customers, 5 the latest'),
        (25, 'rfm_frequency', rfm_frequency::text, 'quintile of total_orders among all customers, 5 the most'),
        (26, 'rfm_monetary', rfm_monetary::text, 'quintile of lifetime_value among all customers, 5 the most'),
        (27, 'rfm_label', rfm_label, 'the first that fits the three scores')
    ) as figure (n, field, value, rule)
    left join metadata.mart_publication as p on p.mart = 'mart_customer_360'
    where mart.customer_id = %(customer_id)s
)
select
    exists (
        select
        from raw_vault.hub_customer
        where customer_id = %(customer_id)s and record_source not in (select object_id from metadata.uncounted_object)
    )
    or exists (select from business_vault.vw_customer_360 where customer_id = %(customer_id)s),
    (
        select json_agg(
            json_build_object(
                'field', field, 'value', value, 'origin', origin, 'rule', rule, 'file', {shown_file}, 'row', row,
                'line', line, 'run_id', run_id, 'effective_at', effective_at, 'loaded_at', loaded_at
            )
            order by n
        )::text
        from explained
    )
