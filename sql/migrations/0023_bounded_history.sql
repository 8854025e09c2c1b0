-- Lists as of an instant, bounded. Who pages through customers, products or orders by their ids is answered from the
-- history of that page's ids, by `…_as_of`; who wants another order, from the whole history at once, by
-- `…_whole_as_of`, which reads each satellite once and returns the same rows.

-- `<satellite>_whole_as_of(effective_at, loaded_at)`: what `<satellite>_as_of` returns, of all keys.
do $do$
declare
    satellite record;
begin
    for satellite in
        select *
        from (values
            ('sat_customer_details', 'customer_hash_key'),
            ('sat_product_details', 'product_hash_key'),
            ('sat_order_details', 'order_hash_key'),
            ('sat_customer_order_effectivity', 'order_hash_key'),
            ('sat_order_line', 'link_hash_key')
        ) as named (name, key)
    loop
        execute format(
            $create$
            create function raw_vault.%1$I(effective_at timestamptz, loaded_at timestamptz)
            returns setof raw_vault.%2$I
            language sql stable
            as $body$
                select distinct on (s.%3$I) s.*
                from raw_vault.%2$I as s
                join metadata.object_version as o on o.object_id = s.record_source
                where s.effective_at <= $1 and s.loaded_at <= $2
                    and s.record_source not in (
                        select r.object_id from metadata.retraction as r where r.known_until <= $2
                    )
                order by
                    s.%3$I, s.effective_at desc, o.object_key desc, o.uploaded_at desc, o.object_id desc,
                    s.record_row desc
            $body$
            $create$,
            satellite.name || '_whole_as_of', satellite.name, satellite.key
        );
    end loop;
    for satellite in
        select *
        from (values
            ('sat_customer_status', 'customer_hash_key'),
            ('sat_product_status', 'product_hash_key'),
            ('sat_order_line_status', 'link_hash_key')
        ) as named (name, key)
    loop
        execute format(
            $create$
            create function raw_vault.%1$I(effective_at timestamptz, loaded_at timestamptz)
            returns setof raw_vault.%2$I
            language sql stable
            as $body$
                select distinct on (s.%3$I) s.*
                from raw_vault.%2$I as s
                where s.effective_at <= $1 and s.loaded_at <= $2
                order by s.%3$I, s.effective_at desc, s.loaded_at desc
            $body$
            $create$,
            satellite.name || '_whole_as_of', satellite.name, satellite.key
        );
    end loop;
end
$do$;

create function business_vault.order_analytics_whole_as_of(effective_at timestamptz, loaded_at timestamptz)
returns table (
    transaction_id text, line_number bigint, customer_id text, product_id text, order_date timestamptz,
    quantity bigint, unit_price numeric, total_amount numeric, payment_method text, order_status text
)
language sql stable
as $$
    select
        h.transaction_id,
        coalesce(
            p.line_number,
            coalesce(max(p.line_number) over (partition by h.transaction_id, c.customer_id, hp.product_id), 0) + row_number() over (
                partition by h.transaction_id, c.customer_id, hp.product_id, p.line_number is null
                order by l.quantity, l.unit_price, l.total_amount, p.link_hash_key
            )
        ),
        c.customer_id, hp.product_id, d.order_date,
        l.quantity, l.unit_price, l.total_amount, d.payment_method, d.order_status
    from raw_vault.hub_order as h
    join raw_vault.link_order_product as p on p.order_hash_key = h.order_hash_key
    join raw_vault.hub_product as hp on hp.product_hash_key = p.product_hash_key
    join raw_vault.sat_order_line_whole_as_of($1, $2) as l on l.link_hash_key = p.link_hash_key
    join raw_vault.sat_customer_order_effectivity_whole_as_of($1, $2) as e on e.order_hash_key = h.order_hash_key
    join raw_vault.link_customer_order as lc on lc.link_hash_key = e.link_hash_key
    join raw_vault.hub_customer as c on c.customer_hash_key = lc.customer_hash_key
    join raw_vault.sat_order_details_whole_as_of($1, $2) as d on d.order_hash_key = h.order_hash_key
    where not exists (
        select from raw_vault.sat_order_line_status_whole_as_of($1, $2) as status
        where status.link_hash_key = p.link_hash_key and status.is_deleted
    )
$$;

comment on function business_vault.order_analytics_whole_as_of is
'The rows of order_analytics_as_of, for who wants all of them.';

create function business_vault.customer_360_whole_as_of(effective_at timestamptz, loaded_at timestamptz)
returns table (
    customer_id text, first_name text, last_name text, email text, phone text, country text, state text, city text,
    customer_segment text, signup_date date, total_orders bigint, lifetime_value numeric, avg_order_value numeric,
    first_order_date timestamptz, last_order_date timestamptz
)
language sql stable
as $$
    select
        h.customer_id, d.first_name, d.last_name, d.email, d.phone, d.country, d.state, d.city,
        d.customer_segment, d.signup_date, coalesce(o.total_orders, 0), coalesce(o.lifetime_value, 0),
        round(o.lifetime_value / nullif(o.total_orders, 0), 2), o.first_order_date, o.last_order_date
    from raw_vault.hub_customer as h
    left join raw_vault.sat_customer_details_whole_as_of($1, $2) as d on d.customer_hash_key = h.customer_hash_key
    left join (
        select
            lc.customer_hash_key,
            count(distinct ho.transaction_id) as total_orders,
            sum(l.total_amount) as lifetime_value,
            min(od.order_date) as first_order_date,
            max(od.order_date) as last_order_date
        from raw_vault.link_customer_order as lc
        join raw_vault.hub_order as ho on ho.order_hash_key = lc.order_hash_key
        join raw_vault.sat_customer_order_effectivity_whole_as_of($1, $2) as e
            on e.link_hash_key = lc.link_hash_key
        join raw_vault.sat_order_details_whole_as_of($1, $2) as od on od.order_hash_key = lc.order_hash_key
        join raw_vault.link_order_product as p on p.order_hash_key = lc.order_hash_key
        join raw_vault.sat_order_line_whole_as_of($1, $2) as l on l.link_hash_key = p.link_hash_key
        where not exists (
            select from raw_vault.sat_order_line_status_whole_as_of($1, $2) as status
            where status.link_hash_key = p.link_hash_key and status.is_deleted
        )
        group by lc.customer_hash_key
    ) as o on o.customer_hash_key = h.customer_hash_key
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
                    and not exists (select from metadata.retraction as r where r.object_id = e.record_source and r.known_until <= $2)
            )
        )
        and not exists (
            select from raw_vault.sat_customer_status_whole_as_of($1, $2) as status
            where status.customer_hash_key = h.customer_hash_key and status.is_deleted
        )
$$;

comment on function business_vault.customer_360_whole_as_of is
'The rows of customer_360_as_of, for who wants all of them.';

create function business_vault.product_analytics_whole_as_of(effective_at timestamptz, loaded_at timestamptz)
returns table (
    product_id text, product_name text, category text, price numeric, cost numeric, supplier text, total_sold bigint,
    total_quantity numeric, revenue numeric, avg_price numeric
)
language sql stable
as $$
    select
        h.product_id, d.product_name, d.category, d.price, d.cost, d.supplier, coalesce(s.total_sold, 0),
        coalesce(s.total_quantity, 0), coalesce(s.revenue, 0), round(s.revenue / nullif(s.total_quantity, 0), 2)
    from raw_vault.hub_product as h
    left join raw_vault.sat_product_details_whole_as_of($1, $2) as d on d.product_hash_key = h.product_hash_key
    left join (
        select
            p.product_hash_key, count(*) as total_sold, sum(l.quantity) as total_quantity,
            sum(l.total_amount) as revenue
        from raw_vault.link_order_product as p
        join raw_vault.sat_order_line_whole_as_of($1, $2) as l on l.link_hash_key = p.link_hash_key
        where not exists (
            select from raw_vault.sat_order_line_status_whole_as_of($1, $2) as status
            where status.link_hash_key = p.link_hash_key and status.is_deleted
        )
        group by p.product_hash_key
    ) as s on s.product_hash_key = h.product_hash_key
    where
        h.product_id is not null
        and (
            d.product_hash_key is not null
            or exists (
                select
                from raw_vault.link_order_product as p
                join raw_vault.sat_order_line as l on l.link_hash_key = p.link_hash_key
                where p.product_hash_key = h.product_hash_key and l.effective_at <= $1 and l.loaded_at <= $2
                    and not exists (select from metadata.retraction as r where r.object_id = l.record_source and r.known_until <= $2)
            )
        )
        and not exists (
            select from raw_vault.sat_product_status_whole_as_of($1, $2) as status
            where status.product_hash_key = h.product_hash_key and status.is_deleted
        )
$$;

comment on function business_vault.product_analytics_whole_as_of is
'The rows of product_analytics_as_of, for who wants all of them.';

-- A product has many lines: their versions are sorted together, which costs half of asking for each line's by itself.
create or replace function business_vault.product_analytics_as_of(effective_at timestamptz, loaded_at timestamptz)
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
        from (
            select distinct on (v.link_hash_key) v.link_hash_key, v.quantity, v.total_amount
            from raw_vault.link_order_product as p
            join raw_vault.sat_order_line as v on v.link_hash_key = p.link_hash_key
            join metadata.object_version as o on o.object_id = v.record_source
            where
                p.product_hash_key = h.product_hash_key and v.effective_at <= $1 and v.loaded_at <= $2
                and v.record_source not in (
                    select r.object_id from metadata.retraction as r where r.known_until <= $2
                )
            order by
                v.link_hash_key, v.effective_at desc, o.object_key desc, o.uploaded_at desc, o.object_id desc,
                v.record_row desc
        ) as l
        where not exists (
            select
            from raw_vault.sat_order_line_status as status
            where
                status.link_hash_key = l.link_hash_key and status.is_deleted
                and status.effective_at <= $1 and status.loaded_at <= $2
                and not exists (
                    select
                    from raw_vault.sat_order_line_status as later
                    where
                        later.link_hash_key = status.link_hash_key
                        and later.effective_at <= $1 and later.loaded_at <= $2
                        and (later.effective_at, later.loaded_at) > (status.effective_at, status.loaded_at)
                )
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
                    and not exists (select from metadata.retraction as r where r.object_id = l.record_source and r.known_until <= $2)
            )
        )
        and not exists (
            select from raw_vault.sat_product_status_as_of(h.product_hash_key, $1, $2) as status where status.is_deleted
        )
$$;
