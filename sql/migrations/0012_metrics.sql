-- What the figures of dashboards are made of beside the marts (see sql/metrics.yaml), and links that share a view.

create table metadata.reporting (
    is_only boolean primary key default true check (is_only),
    time_zone text not null,
    currency text not null,
    run_limit interval not null,
    checksum text not null
);

comment on table metadata.reporting is
'How figures are told, as sql/metrics.yaml declares it, and the checksum of the metric layer that the database holds.';
comment on column metadata.reporting.run_limit is 'How long a nightly load may take.';

alter table business_vault.mart_anchor add column time_zone text;

comment on column business_vault.mart_anchor.time_zone is
'Whose days and hours mart_sale_hour and mart_customer_month are of: that of metadata.reporting at the last publication.';

create table business_vault.mart_sale_hour (
    order_day date,
    order_hour smallint,
    order_status text,
    orders bigint not null,
    order_lines bigint not null,
    quantity numeric not null,
    revenue numeric not null,
    anonymous_revenue numeric not null,
    unique nulls not distinct (order_day, order_hour, order_status)
);

comment on table business_vault.mart_sale_hour is
'What was sold in each hour of the reporting time zone, by status. Figures of all customers and products are read here.';

create table business_vault.mart_customer_month (
    customer_id text not null,
    month date not null,
    orders bigint not null,
    order_lines bigint not null,
    revenue numeric not null,
    primary key (customer_id, month)
);

comment on table business_vault.mart_customer_month is
'What each customer bought in each month of the reporting time zone: cohorts and lifetime values are read here.';

create table metadata.share_key (
    is_only boolean primary key default true check (is_only),
    key bytea not null
);

comment on table metadata.share_key is 'Signs the tokens of share links. A new key ends every link.';

-- two random UUIDs: 244 random bits
insert into metadata.share_key (key) values (sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

create table metadata.share_link (
    share_id uuid primary key default gen_random_uuid(),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    view jsonb not null,
    filters_locked boolean not null,
    personal boolean not null,
    note text
);

comment on table metadata.share_link is 'Read-only links to a view of the dashboard. The token of a link is not kept.';
comment on column metadata.share_link.personal is 'Whether the link shows names, addresses and numbers.';
