-- Stand-ins until 0002 holds the status satellites.
create table if not exists raw_vault.sat_customer_status (
    customer_hash_key bytea not null,
    effective_at timestamptz not null,
    is_deleted boolean not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key (customer_hash_key, effective_at, record_source, record_row)
);

create table if not exists raw_vault.sat_product_status (
    product_hash_key bytea not null,
    effective_at timestamptz not null,
    is_deleted boolean not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key (product_hash_key, effective_at, record_source, record_row)
);

create table if not exists raw_vault.sat_order_line_status (
    link_hash_key bytea not null,
    effective_at timestamptz not null,
    is_deleted boolean not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key (link_hash_key, effective_at, record_source, record_row)
);

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
    primary key (transaction_id, line_number, product_id)
);

create index on business_vault.mart_order_line (customer_id, order_date desc);

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
    last_order_date timestamptz
);

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
    avg_price numeric
);

create view business_vault.vw_customer_360 as
select
    customer_id, first_name, last_name, email, phone, country, state, city, customer_segment, signup_date,
    total_orders, lifetime_value, avg_order_value, first_order_date, last_order_date
from business_vault.mart_customer_360;

comment on view business_vault.vw_customer_360 is
'A row per customer that any file has named. lifetime_value sums every order line, whatever its status.';

create view business_vault.vw_product_analytics as
select
    product_id, product_name, category, price, cost, supplier, total_sold, total_quantity, revenue, avg_price
from business_vault.mart_product_analytics;

comment on view business_vault.vw_product_analytics is
'A row per product that any file has named. total_sold counts order lines, avg_price is revenue per unit.';

create view business_vault.vw_order_analytics as
select
    transaction_id, line_number, customer_id, product_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status
from business_vault.mart_order_line;

comment on view business_vault.vw_order_analytics is 'A row per order line.';

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
create unique index on raw_vault.hub_order (transaction_id);
create index on raw_vault.link_customer_order (customer_hash_key);
create index on raw_vault.link_order_product (product_hash_key);
