-- What the metrics are computed from. Views read as their owner, so that the role of BI tools needs no table; functions
-- are plain SQL that the planner sees through, and take the filters: null for all, an empty text for what is not known.
drop function if exists business_vault.cohort_revenue(text [], text []);
drop function if exists business_vault.cohort_months(text [], text []);
drop function if exists business_vault.sales(date, date, text [], text [], text [], text []);
drop function if exists business_vault.sale_parts(date, date, text [], text [], text [], text []);
drop function if exists business_vault.sale_lines(date, date, text [], text [], text [], text []);
drop function if exists business_vault.known_customers(text [], text []);
drop function if exists business_vault.last_day(date);
drop function if exists business_vault.customers(text [], text []);
drop view if exists business_vault.vw_customer_month;
drop view if exists business_vault.vw_sale_hour;
drop view if exists business_vault.vw_sale_line;
drop view if exists business_vault.vw_reporting;

create view business_vault.vw_reporting as
select
    coalesce(a.time_zone, r.time_zone) as time_zone,
    r.currency,
    r.run_limit,
    a.anchor as today
from metadata.reporting as r
left join business_vault.mart_anchor as a on a.is_only;

comment on view business_vault.vw_reporting is
'The time zone whose days and hours all figures are of, their currency, and what the marts call today.';

create view business_vault.vw_sale_hour as
select order_day, order_hour, order_status, orders, order_lines, quantity, revenue, anonymous_revenue
from business_vault.mart_sale_hour;

comment on view business_vault.vw_sale_hour is 'What was sold in each hour of the reporting time zone, by status.';

create view business_vault.vw_customer_month as
select customer_id, month, orders, order_lines, revenue
from business_vault.mart_customer_month;

comment on view business_vault.vw_customer_month is 'What each customer bought in each month of the reporting time zone.';

create view business_vault.vw_sale_line as
select
    m.transaction_id,
    m.line_number,
    m.product_id,
    m.customer_id,
    m.order_date,
    (m.order_date at time zone (select r.time_zone from business_vault.vw_reporting as r))::date as order_day,
    date_part(
        'hour', m.order_date at time zone (select r.time_zone from business_vault.vw_reporting as r)
    )::smallint as order_hour,
    m.quantity,
    m.unit_price,
    m.total_amount,
    m.payment_method,
    m.order_status,
    m.is_first_line,
    c.customer_segment,
    c.country,
    c.state,
    p.product_name,
    p.category,
    m.record_source,
    m.record_row
from business_vault.mart_order_line as m
left join business_vault.mart_customer_360 as c on c.customer_id = m.customer_id
left join business_vault.mart_product_analytics as p on p.product_id = m.product_id;

comment on view business_vault.vw_sale_line is
'A row per order line with its customer''s segment and place, its product''s category, and its day and hour in the '
'reporting time zone: what BI tools filter freely. is_first_line is true for one line of each order and counts orders.';

create function business_vault.customers(segments text [], states text [])
returns setof business_vault.vw_customer_360_published
language sql stable parallel safe
as $$
    select *
    from business_vault.vw_customer_360_published
    where
        (segments is null or customer_segment = any(segments) or customer_segment is null and '' = any(segments))
        and (states is null or state = any(states) or state is null and '' = any(states))
$$;

create function business_vault.known_customers(segments text [], states text [])
returns table (customer_id text, total_orders bigint, known_since date)
language sql stable parallel safe
as $$
    select
        customer_id,
        total_orders,
        coalesce(
            signup_date,
            (first_order_date at time zone (select r.time_zone from business_vault.vw_reporting as r))::date,
            '-infinity'
        )
    from business_vault.customers(segments, states)
$$;

comment on function business_vault.known_customers is
'Customers and the day they signed up on, or else ordered first; those without either date were always known.';

create function business_vault.last_day(until date) returns date
language sql stable parallel safe
as $$
    select coalesce(
        until,
        (
            select max(h.order_day)
            from business_vault.vw_sale_hour as h
            cross join business_vault.vw_reporting as r
            where h.order_day <= r.today
        ),
        (select r.today from business_vault.vw_reporting as r)
    )
$$;

comment on function business_vault.last_day is
'The day with which the last 30 days end: the last selected one, or the last until today that has an order.';

create function business_vault.sale_lines(
    since date, until date, segments text [], states text [], categories text [], statuses text []
)
returns setof business_vault.vw_sale_line
language sql stable parallel safe
as $$
    select *
    from business_vault.vw_sale_line
    where
        -- what no zone puts into these days, the index leaves out
        (since is null or (order_date >= (since - 1)::timestamp at time zone 'UTC' and order_day >= since))
        and (until is null or (order_date < (until + 2)::timestamp at time zone 'UTC' and order_day <= until))
        and (segments is null or customer_segment = any(segments) or customer_segment is null and '' = any(segments))
        and (states is null or state = any(states) or state is null and '' = any(states))
        and (categories is null or category = any(categories) or category is null and '' = any(categories))
        and (statuses is null or order_status = any(statuses) or order_status is null and '' = any(statuses))
$$;

create function business_vault.sale_parts(
    since date, until date, segments text [], states text [], categories text [], statuses text []
)
returns table (
    order_day date, order_hour smallint, order_status text, country text, state text,
    orders bigint, order_lines bigint, quantity numeric, revenue numeric, anonymous_revenue numeric,
    order_date timestamptz
)
language sql stable parallel safe
as $$
    -- all lines of an order are of one customer, so one of them stands for the order
    select
        order_day, order_hour, order_status, country, state,
        is_first_line::integer::bigint, 1::bigint, quantity::numeric, total_amount,
        case when customer_id is null then total_amount else 0 end, order_date
    from business_vault.sale_lines(since, until, segments, states, null, statuses)
    where categories is null
    union all
    -- of an order, maybe other lines than that one are in the category; date, status and customer are the order's
    select
        any_value(order_day), any_value(order_hour), any_value(order_status), any_value(country), any_value(state),
        1::bigint, count(*), sum(quantity), sum(total_amount),
        coalesce(sum(total_amount) filter (where customer_id is null), 0), any_value(order_date)
    from business_vault.sale_lines(since, until, segments, states, categories, statuses)
    where categories is not null
    group by transaction_id
$$;

comment on function business_vault.sale_parts is
'Order lines, or of a category the orders, whose columns from `orders` to `anonymous_revenue` can be summed.';

create function business_vault.sales(
    since date, until date, segments text [], states text [], categories text [], statuses text []
)
returns table (
    order_day date, order_hour smallint, order_status text,
    orders bigint, order_lines bigint, quantity numeric, revenue numeric, anonymous_revenue numeric,
    order_date timestamptz
)
language sql stable parallel safe
as $$
    select
        order_day, order_hour, order_status, orders, order_lines, quantity, revenue, anonymous_revenue,
        null::timestamptz
    from business_vault.vw_sale_hour
    where
        segments is null and states is null and categories is null
        and (since is null or order_day >= since)
        and (until is null or order_day <= until)
        and (statuses is null or order_status = any(statuses) or order_status is null and '' = any(statuses))
    union all
    select
        order_day, order_hour, order_status, orders, order_lines, quantity, revenue, anonymous_revenue, order_date
    from business_vault.sale_parts(since, until, segments, states, categories, statuses)
    where segments is not null or states is not null or categories is not null
$$;

comment on function business_vault.sales is
'What was sold under these filters, from the coarsest rows that have them; the columns from `orders` to '
'`anonymous_revenue` can be summed. Whole hours have no order_date.';

create function business_vault.cohort_months(segments text [], states text [])
returns table (customer_id text, cohort date, month date, revenue numeric)
language sql stable parallel safe
as $$
    with first as materialized (
        -- once for each customer, not for each of their months
        select
            k.customer_id,
            date_trunc(
                'month', k.first_order_date at time zone (select r.time_zone from business_vault.vw_reporting as r)
            )::date as cohort
        from business_vault.customers(segments, states) as k
        where k.first_order_date is not null
    )
    select
        m.customer_id,
        c.cohort,
        m.month,
        m.revenue
    from business_vault.vw_customer_month as m
    join first as c on c.customer_id = m.customer_id
$$;

comment on function business_vault.cohort_months is
'The months in which each customer ordered; the cohort is that of the first order.';

create function business_vault.cohort_revenue(segments text [], states text [])
returns table (cohort date, months_later bigint, month date, customers bigint, revenue numeric)
language sql stable parallel safe
as $$
    with span as materialized (
        -- the month that goes on, or has not begun: the first that is not whole
        select date_trunc('month', max(h.order_day) + 1)::date as until_month
        from business_vault.vw_sale_hour as h
        cross join business_vault.vw_reporting as r
        where h.order_day <= r.today
    ), bought as materialized (
        select m.cohort, m.month, count(*) as customers, sum(m.revenue) as revenue
        from business_vault.cohort_months(segments, states) as m
        group by m.cohort, m.month
    )
    select
        c.cohort,
        (row_number() over (partition by c.cohort order by lived.month) - 1)::bigint,
        lived.month::date,
        c.customers,
        coalesce(b.revenue, 0)
    from span
    cross join (select n.cohort, n.customers from bought as n where n.month = n.cohort) as c
    cross join lateral generate_series(c.cohort, span.until_month - 1, interval '1 month') as lived (month)
    left join bought as b on b.cohort = c.cohort and b.month = lived.month::date
$$;

comment on function business_vault.cohort_revenue is
'What the customers of each cohort, all of them counted, brought in each whole month since.';
