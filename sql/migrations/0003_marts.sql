alter table metadata.mart_publication add column rows bigint not null;

comment on column metadata.mart_publication.rows is 'How many rows the mart holds, maintained with it.';

-- The marts carry, beside what people read, pointers to the rows of the files that it came from (see the views pit_…).

create table business_vault.mart_order_line (
    transaction_id text not null,
    line_number bigint not null,
    product_id text not null,
    customer_id text,
    order_date timestamptz,
    quantity bigint not null,
    unit_price numeric not null,
    total_amount numeric not null,
    payment_method text,
    order_status text,
    is_first_line boolean not null default true,
    record_source bigint,
    record_row bigint,
    details_record_source bigint,
    details_record_row bigint,
    customer_record_source bigint,
    customer_record_row bigint,
    primary key (transaction_id, line_number, product_id)
);

comment on column business_vault.mart_order_line.is_first_line is 'True for one line of each order: counts orders.';
comment on column business_vault.mart_order_line.details_record_row is
'Null when the row that the line came from also gave the order its details in force; likewise for the customer.';

create table business_vault.mart_customer_360 (
    customer_id text primary key,
    first_name text,
    last_name text,
    email text,
    phone text,
    country text,
    state text,
    city text,
    customer_segment text,
    signup_date date,
    total_orders bigint not null,
    lifetime_value numeric not null,
    avg_order_value numeric,
    first_order_date timestamptz,
    last_order_date timestamptz,
    orders_30_days bigint not null default 0,
    orders_90_days bigint not null default 0,
    orders_365_days bigint not null default 0,
    revenue_30_days numeric not null default 0,
    revenue_90_days numeric not null default 0,
    revenue_365_days numeric not null default 0,
    favourite_category text,
    is_deleted boolean not null default false,
    next_window_change date,
    details_record_source bigint,
    details_record_row bigint,
    status_record_source bigint,
    status_record_row bigint
);

comment on column business_vault.mart_customer_360.next_window_change is
'The first day after the anchor on which an order enters or leaves one of the windows of 30, 90 and 365 days.';

create table business_vault.mart_product_analytics (
    product_id text primary key,
    product_name text,
    category text,
    price numeric,
    cost numeric,
    supplier text,
    total_sold bigint not null,
    total_quantity numeric not null,
    revenue numeric not null,
    avg_price numeric,
    is_deleted boolean not null default false,
    details_record_source bigint,
    details_record_row bigint,
    status_record_source bigint,
    status_record_row bigint
);

create table business_vault.mart_anchor (
    is_only boolean primary key default true check (is_only),
    anchor date not null,
    recency timestamptz [],
    frequency bigint [],
    monetary numeric []
);

comment on table business_vault.mart_anchor is
'What the marts call today (the UTC date of the newest run that published), and the four boundaries between the '
'quintiles of all customers who have ordered and are not deleted: a score is 1 and one more for each one exceeded.';

create function business_vault.amount(value numeric) returns numeric
language sql immutable
as $$
    select round(value, greatest(2, min_scale(value)))
$$;

comment on function business_vault.amount is 'The same amount with two decimals, or as many more as it needs.';

create function business_vault.quintile(value anycompatible, boundaries anycompatiblearray) returns integer
language sql immutable
as $$
    select
        1 + (value > boundaries[1])::integer + (value > boundaries[2])::integer
        + (value > boundaries[3])::integer + (value > boundaries[4])::integer
$$;

create view business_vault.vw_customer_360_published as
select
    scored.*,
    case
        when rfm_recency >= 4 and rfm_frequency >= 4 and rfm_monetary >= 4 then 'champions'
        when rfm_recency >= 3 and rfm_frequency >= 4 then 'loyal'
        when rfm_recency >= 4 and total_orders = 1 then 'new'
        when rfm_recency >= 3 then 'promising'
        when rfm_frequency >= 3 then 'at risk'
        when rfm_recency is not null then 'lost'
    end as rfm_label
from (
    select
        m.customer_id, m.first_name, m.last_name, m.email, m.phone, m.country, m.state, m.city, m.customer_segment,
        m.signup_date, m.total_orders, m.lifetime_value, m.avg_order_value, m.first_order_date, m.last_order_date,
        a.anchor - (m.last_order_date at time zone 'UTC')::date as days_since_last_order,
        m.orders_30_days, m.orders_90_days, m.orders_365_days,
        m.revenue_30_days, m.revenue_90_days, m.revenue_365_days, m.favourite_category, m.is_deleted,
        business_vault.quintile(m.last_order_date, a.recency) as rfm_recency,
        business_vault.quintile(m.frequency, a.frequency) as rfm_frequency,
        business_vault.quintile(m.monetary, a.monetary) as rfm_monetary
    from (
        select
            *,
            -- who has never ordered has no score
            case when total_orders > 0 then total_orders end as frequency,
            case when total_orders > 0 then lifetime_value end as monetary
        from business_vault.mart_customer_360
    ) as m
    left join business_vault.mart_anchor as a on a.is_only
) as scored;

comment on view business_vault.vw_customer_360_published is
'What a publication says: vw_customer_360 without live activity. A row per customer that any file or event has named, '
'deleted ones too. lifetime_value sums every order line, whatever its status. Windows are of whole UTC days and end '
'with the day of the last publication; favourite_category is that of most revenue. The RFM scores are quintiles, 5 the '
'best; rfm_label is the first that holds of: champions (all scores at least 4), loyal (recency 3, frequency 4), new '
'(recency 4, one order), promising (recency 3), at risk (frequency 3), lost; null without orders.';

create view business_vault.vw_product_analytics as
select
    product_id, product_name, category, price, cost, supplier, total_sold, total_quantity, revenue, avg_price, is_deleted
from business_vault.mart_product_analytics;

comment on view business_vault.vw_product_analytics is
'A row per product that any file has named, deleted ones too. total_sold counts order lines, avg_price is revenue per '
'unit.';

create view business_vault.vw_order_analytics as
select
    transaction_id, line_number, customer_id, product_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status
from business_vault.mart_order_line;

comment on view business_vault.vw_order_analytics is 'A row per order line that is not deleted.';

-- The point-in-time tables of the marts: for each key, the row of each satellite that is in force. What a satellite's
-- primary key needs: (hash key, effective_at, record_source, record_row). They are views over the pointers in the
-- marts, so they are exactly as current as the marts and cost the nightly load no table of their own. For other
-- points in time see the functions `…_as_of`.

create view business_vault.pit_customer as
select
    h.customer_hash_key, m.customer_id,
    d.effective_at as sat_customer_details_effective_at,
    m.details_record_source as sat_customer_details_record_source,
    m.details_record_row as sat_customer_details_record_row,
    s.effective_at as sat_customer_status_effective_at,
    m.status_record_source as sat_customer_status_record_source,
    m.status_record_row as sat_customer_status_record_row
from business_vault.mart_customer_360 as m
join raw_vault.hub_customer as h on h.customer_id = m.customer_id
left join metadata.object_version as d on d.object_id = m.details_record_source
left join metadata.object_version as s on s.object_id = m.status_record_source;

create view business_vault.pit_product as
select
    h.product_hash_key, m.product_id,
    d.effective_at as sat_product_details_effective_at,
    m.details_record_source as sat_product_details_record_source,
    m.details_record_row as sat_product_details_record_row,
    s.effective_at as sat_product_status_effective_at,
    m.status_record_source as sat_product_status_record_source,
    m.status_record_row as sat_product_status_record_row
from business_vault.mart_product_analytics as m
join raw_vault.hub_product as h on h.product_id = m.product_id
left join metadata.object_version as d on d.object_id = m.details_record_source
left join metadata.object_version as s on s.object_id = m.status_record_source;

create view business_vault.pit_order as
select
    h.order_hash_key, p.link_hash_key, m.transaction_id, m.line_number, m.product_id,
    l.effective_at as sat_order_line_effective_at,
    m.record_source as sat_order_line_record_source,
    m.record_row as sat_order_line_record_row,
    d.effective_at as sat_order_details_effective_at,
    d.object_id as sat_order_details_record_source,
    coalesce(m.details_record_row, m.record_row) as sat_order_details_record_row,
    c.effective_at as sat_customer_order_effectivity_effective_at,
    c.object_id as sat_customer_order_effectivity_record_source,
    coalesce(m.customer_record_row, m.record_row) as sat_customer_order_effectivity_record_row
from business_vault.mart_order_line as m
join raw_vault.hub_order as h on h.transaction_id = m.transaction_id
join raw_vault.hub_product as hp on hp.product_id = m.product_id
join raw_vault.link_order_product as p
    on
        p.order_hash_key = h.order_hash_key
        and p.product_hash_key = hp.product_hash_key
        and p.line_number = m.line_number
join metadata.object_version as l on l.object_id = m.record_source
join metadata.object_version as d on d.object_id = coalesce(m.details_record_source, m.record_source)
join metadata.object_version as c on c.object_id = coalesce(m.customer_record_source, m.record_source);

comment on view business_vault.pit_order is
'The version in force of each order line, of its order''s details and of its order''s customer. sat_order_line_status '
'has no pointer: a line that is here is not deleted.';

-- What a satellite said of one key at `effective_at`, as far as it was known at `loaded_at`: `<satellite>_as_of(key,
-- effective_at, loaded_at)` returns that row of the satellite, or none. Plain SQL, so that the planner sees through
-- them to the satellite's primary key; no security definer, which would hide them from it.
do $do$
declare
    satellite record;
begin
    for satellite in
        select *
        from (values
            ('sat_customer_details', 'customer_hash_key'),
            ('sat_customer_status', 'customer_hash_key'),
            ('sat_product_details', 'product_hash_key'),
            ('sat_product_status', 'product_hash_key'),
            ('sat_order_details', 'order_hash_key'),
            ('sat_customer_order_effectivity', 'order_hash_key'),
            ('sat_order_line', 'link_hash_key'),
            ('sat_order_line_status', 'link_hash_key')
        ) as named (name, key)
    loop
        execute format(
            $create$
            create function raw_vault.%1$I(key bytea, effective_at timestamptz, loaded_at timestamptz)
            returns setof raw_vault.%2$I
            language sql stable rows 1
            as $body$
                select s.*
                from raw_vault.%2$I as s
                join metadata.object_version as o on o.object_id = s.record_source
                where s.%3$I = $1 and s.effective_at <= $2 and s.loaded_at <= $3
                order by
                    s.effective_at desc, o.object_key desc, o.uploaded_at desc, o.object_id desc, s.record_row desc
                limit 1
            $body$
            $create$,
            satellite.name || '_as_of', satellite.name, satellite.key
        );
    end loop;
end
$do$;

create function business_vault.order_analytics_as_of(effective_at timestamptz, loaded_at timestamptz)
returns table (
    transaction_id text, line_number bigint, customer_id text, product_id text, order_date timestamptz,
    quantity bigint, unit_price numeric, total_amount numeric, payment_method text, order_status text
)
language sql stable
as $$
    select
        h.transaction_id, p.line_number, c.customer_id, hp.product_id, d.order_date,
        l.quantity, l.unit_price, l.total_amount, d.payment_method, d.order_status
    from raw_vault.hub_order as h
    join raw_vault.link_order_product as p on p.order_hash_key = h.order_hash_key
    join raw_vault.hub_product as hp on hp.product_hash_key = p.product_hash_key
    cross join lateral raw_vault.sat_order_line_as_of(p.link_hash_key, $1, $2) as l
    cross join lateral raw_vault.sat_customer_order_effectivity_as_of(h.order_hash_key, $1, $2) as e
    join raw_vault.link_customer_order as lc on lc.link_hash_key = e.link_hash_key and lc.order_hash_key = h.order_hash_key
    join raw_vault.hub_customer as c on c.customer_hash_key = lc.customer_hash_key
    cross join lateral raw_vault.sat_order_details_as_of(h.order_hash_key, $1, $2) as d
    where not exists (
        select from raw_vault.sat_order_line_status_as_of(p.link_hash_key, $1, $2) as status where status.is_deleted
    )
$$;

comment on function business_vault.order_analytics_as_of is
'The rows of vw_order_analytics as they were at effective_at, as far as known at loaded_at.';

create function business_vault.customer_360_as_of(effective_at timestamptz, loaded_at timestamptz)
returns table (
    customer_id text, first_name text, last_name text, email text, phone text, country text, state text, city text,
    customer_segment text, signup_date date, total_orders bigint, lifetime_value numeric, avg_order_value numeric,
    first_order_date timestamptz, last_order_date timestamptz
)
language sql stable
as $$
    select
        h.customer_id, d.first_name, d.last_name, d.email, d.phone, d.country, d.state, d.city,
        d.customer_segment, d.signup_date, o.total_orders, o.lifetime_value,
        round(o.lifetime_value / nullif(o.total_orders, 0), 2), o.first_order_date, o.last_order_date
    from raw_vault.hub_customer as h
    left join lateral raw_vault.sat_customer_details_as_of(h.customer_hash_key, $1, $2) as d on true
    left join lateral (
        select
            count(distinct ho.transaction_id) as total_orders,
            coalesce(sum(l.total_amount), 0) as lifetime_value,
            min(od.order_date) as first_order_date,
            max(od.order_date) as last_order_date
        from raw_vault.link_customer_order as lc
        join raw_vault.hub_order as ho on ho.order_hash_key = lc.order_hash_key
        join lateral raw_vault.sat_customer_order_effectivity_as_of(lc.order_hash_key, $1, $2) as e
            on e.link_hash_key = lc.link_hash_key
        cross join lateral raw_vault.sat_order_details_as_of(lc.order_hash_key, $1, $2) as od
        join raw_vault.link_order_product as p on p.order_hash_key = lc.order_hash_key
        cross join lateral raw_vault.sat_order_line_as_of(p.link_hash_key, $1, $2) as l
        where
            lc.customer_hash_key = h.customer_hash_key
            and not exists (
                select from raw_vault.sat_order_line_status_as_of(p.link_hash_key, $1, $2) as status
                where status.is_deleted
            )
    ) as o on true
    where
        h.customer_id is not null
        and (
            d.customer_hash_key is not null
            or exists (
                select
                from raw_vault.link_customer_order as lc
                join raw_vault.sat_customer_order_effectivity as e
                    on e.order_hash_key = lc.order_hash_key and e.link_hash_key = lc.link_hash_key
                where lc.customer_hash_key = h.customer_hash_key and e.effective_at <= $1 and e.loaded_at <= $2
            )
        )
        and not exists (
            select from raw_vault.sat_customer_status_as_of(h.customer_hash_key, $1, $2) as status where status.is_deleted
        )
$$;

comment on function business_vault.customer_360_as_of is
'The customers as they were at effective_at, as far as known at loaded_at: absent before a customers or transactions '
'file named them, and while deleted.';

create function business_vault.product_analytics_as_of(effective_at timestamptz, loaded_at timestamptz)
returns table (
    product_id text, product_name text, category text, price numeric, cost numeric, supplier text, total_sold bigint,
    total_quantity numeric, revenue numeric, avg_price numeric
)
language sql stable
as $$
    select
        h.product_id, d.product_name, d.category, d.price, d.cost, d.supplier, s.total_sold,
        s.total_quantity, s.revenue, round(s.revenue / nullif(s.total_quantity, 0), 2)
    from raw_vault.hub_product as h
    left join lateral raw_vault.sat_product_details_as_of(h.product_hash_key, $1, $2) as d on true
    left join lateral (
        select
            count(*) as total_sold,
            coalesce(sum(l.quantity), 0) as total_quantity,
            coalesce(sum(l.total_amount), 0) as revenue
        from raw_vault.link_order_product as p
        cross join lateral raw_vault.sat_order_line_as_of(p.link_hash_key, $1, $2) as l
        where
            p.product_hash_key = h.product_hash_key
            and not exists (
                select from raw_vault.sat_order_line_status_as_of(p.link_hash_key, $1, $2) as status
                where status.is_deleted
            )
    ) as s on true
    where
        h.product_id is not null
        and (
            d.product_hash_key is not null
            or exists (
                select
                from raw_vault.link_order_product as p
                join raw_vault.sat_order_line as l on l.link_hash_key = p.link_hash_key
                where p.product_hash_key = h.product_hash_key and l.effective_at <= $1 and l.loaded_at <= $2
            )
        )
        and not exists (
            select from raw_vault.sat_product_status_as_of(h.product_hash_key, $1, $2) as status where status.is_deleted
        )
$$;

comment on function business_vault.product_analytics_as_of is
'The products as they were at effective_at, as far as known at loaded_at: absent before a products or transactions '
'file named them, and while deleted.';

-- from a business key to its history
create unique index on raw_vault.hub_customer (customer_id);
create unique index on raw_vault.hub_product (product_id);
create index on raw_vault.hub_customer (customer_hash_key) where record_source = -1;
create index on raw_vault.hub_product (product_hash_key) where record_source = -1;
