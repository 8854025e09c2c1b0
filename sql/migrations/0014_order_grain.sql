-- The grain of an order, and files that no longer count.
-- The tables are now those of this model; the next migration of the model starts from it:
--| sources:
--|   customers:
--|     columns:
--|       customer_id: {type: text, required: true}
--|       first_name: {type: text}
--|       last_name: {type: text}
--|       email: {type: text}
--|       phone: {type: text}
--|       signup_date: {type: date}
--|       country: {type: text}
--|       state: {type: text}
--|       city: {type: text}
--|       customer_segment: {type: text}
--|   products:
--|     columns:
--|       product_id: {type: text, required: true}
--|       product_name: {type: text}
--|       category: {type: text}
--|       price: {type: decimal}
--|       cost: {type: decimal}
--|       supplier: {type: text}
--|   transactions:
--|     columns:
--|       transaction_id: {type: text, required: true}
--|       customer_id: {type: text}
--|       order_date: {type: timestamp, required: true}
--|       product_id: {type: text, required: true}
--|       quantity: {type: integer, required: true}
--|       unit_price: {type: decimal, required: true}
--|       total_amount: {type: decimal, required: true}
--|       payment_method: {type: text}
--|       order_status: {type: text}
--|       line_number: {type: integer}
--| hubs:
--|   hub_customer:
--|     hash_key: customer_hash_key
--|     business_key: customer_id
--|     sources: [customers, transactions]
--|   hub_product:
--|     hash_key: product_hash_key
--|     business_key: product_id
--|     sources: [products, transactions]
--|   hub_order:
--|     hash_key: order_hash_key
--|     business_key: transaction_id
--|     sources: [transactions]
--| links:
--|   link_customer_order:
--|     hubs: [hub_customer, hub_order]
--|     source: transactions
--|   link_order_product:
--|     hubs: [hub_order, hub_product]
--|     source: transactions
--|     dependent_child_key: line_number
--|     driving_key: hub_order
--|     indexed: [hub_order]
--| satellites:
--|   sat_customer_details:
--|     parent: hub_customer
--|     source: customers
--|     columns: [first_name, last_name, email, phone, signup_date, country, state, city, customer_segment]
--|   sat_product_details:
--|     parent: hub_product
--|     source: products
--|     columns: [product_name, category, price, cost, supplier]
--|   sat_order_details:
--|     parent: hub_order
--|     source: transactions
--|     columns: [order_date, payment_method, order_status]
--|   sat_order_line:
--|     parent: link_order_product
--|     source: transactions
--|     columns: [quantity, unit_price, total_amount]
--|   sat_customer_order_effectivity: {parent: link_customer_order, source: transactions, driving_key: hub_order}
--|   sat_customer_status: {parent: hub_customer, source: customers, status_of: sat_customer_details}
--|   sat_product_status: {parent: hub_product, source: products, status_of: sat_product_details}
--|   sat_order_line_status: {parent: link_order_product, source: transactions, status_of: sat_order_line}

-- A line without a number is known by all that it says (sql/model.yaml, links). Lines that were loaded as number 1 because
-- they had none keep their keys; they are ended when their order is told again.

-- Of the rows of one file with one key the last one speaks.
alter table metadata.object_version add column rows_overruled bigint;

comment on column metadata.object_version.rows_duplicate is
'Rows that a later row of the file repeats: all of it, or only its key.';
comment on column metadata.object_version.rows_overruled is
'Of the duplicate rows, those that say something else than the later row of their key.';

create table metadata.repeated_row (
    object_id bigint not null,
    row_number bigint not null,
    is_overruled boolean not null,
    primary key (object_id, row_number)
);

comment on table metadata.repeated_row is
'Rows of staging that a later row of their file repeats (equal in every column) or overrules (only its key is the same).';

-- Files that were taken back, or that a later version of their key at the same instant has replaced. The ledger of
-- objects keeps what became of them.
create table metadata.retraction (
    object_id bigint primary key references metadata.object_version,
    run_id text not null references metadata.load_run,
    cause text not null check (cause in ('RETRACTED', 'REPLACED')),
    known_until timestamptz not null
);

comment on table metadata.retraction is 'Objects whose rows do not count any more, from `known_until` on.';

create table metadata.vault_retraction (
    object_id bigint not null references metadata.retraction,
    vault_table text not null,
    run_id text not null references metadata.load_run,
    primary key (object_id, vault_table)
);

create index on metadata.vault_retraction (run_id);

comment on table metadata.vault_retraction is
'In the history of which tables of the raw vault, and in the marts, retracted objects count no longer.';

create trigger only_of_active_run before insert on metadata.retraction
for each row execute function metadata.keep_to_active_run();
create trigger only_of_active_run before insert on metadata.vault_retraction
for each row execute function metadata.keep_to_active_run();

alter table metadata.load_run add column retract text [] not null default '{}';
comment on column metadata.load_run.retract is 'Keys of the landing zone that the run is to take back.';

alter table metadata.object_version drop constraint object_version_status_check;
alter table metadata.object_version add constraint object_version_status_check check (
    status in (
        'PLANNED', 'STAGED', 'LOADED', 'REPEATED', 'REJECTED', 'WITHDRAWN', 'UNREADABLE', 'REPLACED', 'RETRACTED'
    )
);

create or replace view metadata.object_position as
select
    object_id,
    source,
    effective_at,
    row_number() over (partition by source order by effective_at, object_key, uploaded_at, object_id) as position
from metadata.object_version as o
where not exists (select from metadata.retraction as r where r.object_id = o.object_id);

comment on view metadata.object_position is
'The order in which the versions of one key follow each other, whatever order their files were loaded in: of all files '
'that count.';

create view metadata.orphaned_repetition as
select mine.object_id
from metadata.object_version as mine
where
    mine.content_sha256 is not null
    and not exists (
        select
        from metadata.object_version as twin
        where
            twin.status in ('STAGED', 'LOADED')
            and twin.object_id <> mine.object_id
            and (twin.source, twin.effective_at, twin.is_snapshot, twin.content_sha256)
            = (mine.source, mine.effective_at, mine.is_snapshot, mine.content_sha256)
            and not exists (select from metadata.retraction as r where r.object_id = twin.object_id)
            and not exists (
                select from metadata.load_run as run
                where run.status = 'RUNNING' and twin.object_key = any(run.retract)
            )
            and not exists (
                select
                from metadata.object_version as newer
                where
                    (newer.bucket, newer.object_key, newer.effective_at)
                    = (twin.bucket, twin.object_key, twin.effective_at)
                    and (newer.uploaded_at, newer.object_id) > (twin.uploaded_at, twin.object_id)
                    and newer.status in ('PLANNED', 'STAGED', 'LOADED', 'REPEATED')
                    and newer.content_sha256 is distinct from twin.content_sha256
            )
    );

comment on view metadata.orphaned_repetition is
'Objects whose content, at their instant, no object says that counts and is to stay: they are not repetitions.';

-- What is deleted at an instant is stated anew when more is known of that instant; what was known last is right.

delete from raw_vault.sat_customer_status as s
using raw_vault.sat_customer_status as later, metadata.object_position as p, metadata.object_position as q
where (later.customer_hash_key, later.effective_at, later.loaded_at) = (s.customer_hash_key, s.effective_at, s.loaded_at)
    and p.object_id = s.record_source and q.object_id = later.record_source
    and (p.position, s.record_row) < (q.position, later.record_row);
alter table raw_vault.sat_customer_status drop constraint sat_customer_status_pkey;
alter table raw_vault.sat_customer_status add primary key (customer_hash_key, effective_at, loaded_at);

delete from raw_vault.sat_product_status as s
using raw_vault.sat_product_status as later, metadata.object_position as p, metadata.object_position as q
where (later.product_hash_key, later.effective_at, later.loaded_at) = (s.product_hash_key, s.effective_at, s.loaded_at)
    and p.object_id = s.record_source and q.object_id = later.record_source
    and (p.position, s.record_row) < (q.position, later.record_row);
alter table raw_vault.sat_product_status drop constraint sat_product_status_pkey;
alter table raw_vault.sat_product_status add primary key (product_hash_key, effective_at, loaded_at);

delete from raw_vault.sat_order_line_status as s
using raw_vault.sat_order_line_status as later, metadata.object_position as p, metadata.object_position as q
where (later.link_hash_key, later.effective_at, later.loaded_at) = (s.link_hash_key, s.effective_at, s.loaded_at)
    and p.object_id = s.record_source and q.object_id = later.record_source
    and (p.position, s.record_row) < (q.position, later.record_row);
alter table raw_vault.sat_order_line_status drop constraint sat_order_line_status_pkey;
alter table raw_vault.sat_order_line_status add primary key (link_hash_key, effective_at, loaded_at);

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
            create or replace function raw_vault.%1$I(key bytea, effective_at timestamptz, loaded_at timestamptz)
            returns setof raw_vault.%2$I
            language sql stable rows 1
            as $body$
                select s.*
                from raw_vault.%2$I as s
                join metadata.object_version as o on o.object_id = s.record_source
                where s.%3$I = $1 and s.effective_at <= $2 and s.loaded_at <= $3
                    and not exists (
                        select from metadata.retraction as r
                        where r.object_id = s.record_source and r.known_until <= $3
                    )
                order by
                    s.effective_at desc, o.object_key desc, o.uploaded_at desc, o.object_id desc, s.record_row desc
                limit 1
            $body$
            $create$,
            satellite.name || '_as_of', satellite.name, satellite.key
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
            create or replace function raw_vault.%1$I(key bytea, effective_at timestamptz, loaded_at timestamptz)
            returns setof raw_vault.%2$I
            language sql stable rows 1
            as $body$
                select s.*
                from raw_vault.%2$I as s
                where s.%3$I = $1 and s.effective_at <= $2 and s.loaded_at <= $3
                order by s.effective_at desc, s.loaded_at desc
                limit 1
            $body$
            $create$,
            satellite.name || '_as_of', satellite.name, satellite.key
        );
    end loop;
end
$do$;

create or replace function business_vault.order_analytics_as_of(effective_at timestamptz, loaded_at timestamptz)
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
    cross join lateral raw_vault.sat_order_line_as_of(p.link_hash_key, $1, $2) as l
    cross join lateral raw_vault.sat_customer_order_effectivity_as_of(h.order_hash_key, $1, $2) as e
    join raw_vault.link_customer_order as lc on lc.link_hash_key = e.link_hash_key and lc.order_hash_key = h.order_hash_key
    join raw_vault.hub_customer as c on c.customer_hash_key = lc.customer_hash_key
    cross join lateral raw_vault.sat_order_details_as_of(h.order_hash_key, $1, $2) as d
    where not exists (
        select from raw_vault.sat_order_line_status_as_of(p.link_hash_key, $1, $2) as status where status.is_deleted
    )
$$;

create or replace function business_vault.customer_360_as_of(effective_at timestamptz, loaded_at timestamptz)
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
                    and not exists (select from metadata.retraction as r where r.object_id = e.record_source and r.known_until <= $2)
            )
        )
        and not exists (
            select from raw_vault.sat_customer_status_as_of(h.customer_hash_key, $1, $2) as status where status.is_deleted
        )
$$;

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
                    and not exists (select from metadata.retraction as r where r.object_id = l.record_source and r.known_until <= $2)
            )
        )
        and not exists (
            select from raw_vault.sat_product_status_as_of(h.product_hash_key, $1, $2) as status where status.is_deleted
        )
$$;

create or replace view business_vault.pit_order as
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
        and exists (
            select
            from raw_vault.sat_order_line as s
            where s.link_hash_key = p.link_hash_key and s.record_source = m.record_source and s.record_row = m.record_row
        )
join metadata.object_version as l on l.object_id = m.record_source
join metadata.object_version as d on d.object_id = coalesce(m.details_record_source, m.record_source)
join metadata.object_version as c on c.object_id = coalesce(m.customer_record_source, m.record_source);
