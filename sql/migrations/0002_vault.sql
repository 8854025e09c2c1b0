-- Rendered from sql/model.yaml by functions/load/render_ddl.py.

create unlogged table "staging"."customers" (
    "object_id" bigint not null,
    "row_number" bigint not null,
    "customer_id" text not null,
    "first_name" text,
    "last_name" text,
    "email" text,
    "phone" text,
    "signup_date" date,
    "country" text,
    "state" text,
    "city" text,
    "customer_segment" text,
    "customer_hash_key" bytea not null,
    "sat_customer_details_hashdiff" bytea not null
);

alter table "staging"."customers" set (parallel_workers = 2);

create unlogged table "staging"."products" (
    "object_id" bigint not null,
    "row_number" bigint not null,
    "product_id" text not null,
    "product_name" text,
    "category" text,
    "price" numeric,
    "cost" numeric,
    "supplier" text,
    "product_hash_key" bytea not null,
    "sat_product_details_hashdiff" bytea not null
);

alter table "staging"."products" set (parallel_workers = 2);

create unlogged table "staging"."transactions" (
    "object_id" bigint not null,
    "row_number" bigint not null,
    "transaction_id" text not null,
    "customer_id" text,
    "order_date" timestamptz not null,
    "product_id" text not null,
    "quantity" bigint not null,
    "unit_price" numeric not null,
    "total_amount" numeric not null,
    "payment_method" text,
    "order_status" text,
    "line_number" bigint,
    "customer_hash_key" bytea not null,
    "product_hash_key" bytea not null,
    "order_hash_key" bytea not null,
    "link_customer_order_hash_key" bytea not null,
    "link_order_product_hash_key" bytea not null,
    "sat_order_details_hashdiff" bytea not null,
    "sat_order_line_hashdiff" bytea not null
);

alter table "staging"."transactions" set (parallel_workers = 2);

create table "raw_vault"."hub_customer" (
    "customer_hash_key" bytea not null,
    "customer_id" text,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("customer_hash_key")
);

insert into "raw_vault"."hub_customer" ("customer_hash_key", loaded_at, record_source, record_row)
values ('\x00000000000000000000000000000000'::bytea, '-infinity', 0, 0);

create table "raw_vault"."hub_product" (
    "product_hash_key" bytea not null,
    "product_id" text,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("product_hash_key")
);

insert into "raw_vault"."hub_product" ("product_hash_key", loaded_at, record_source, record_row)
values ('\x00000000000000000000000000000000'::bytea, '-infinity', 0, 0);

create table "raw_vault"."hub_order" (
    "order_hash_key" bytea not null,
    "transaction_id" text,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("order_hash_key")
);

insert into "raw_vault"."hub_order" ("order_hash_key", loaded_at, record_source, record_row)
values ('\x00000000000000000000000000000000'::bytea, '-infinity', 0, 0);

create table "raw_vault"."link_customer_order" (
    "link_hash_key" bytea not null,
    "customer_hash_key" bytea not null,
    "order_hash_key" bytea not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("link_hash_key")
);

create table "raw_vault"."link_order_product" (
    "link_hash_key" bytea not null,
    "order_hash_key" bytea not null,
    "product_hash_key" bytea not null,
    "line_number" bigint,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("link_hash_key")
);

create index on "raw_vault"."link_order_product" ("order_hash_key");

create table "raw_vault"."sat_customer_details" (
    "customer_hash_key" bytea not null,
    "effective_at" timestamptz not null,
    "hashdiff" bytea not null,
    "first_name" text,
    "last_name" text,
    "email" text,
    "phone" text,
    "signup_date" date,
    "country" text,
    "state" text,
    "city" text,
    "customer_segment" text,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("customer_hash_key", "effective_at", "record_source", "record_row")
);

create index on "raw_vault"."sat_customer_details" using brin (record_source) with (pages_per_range = 16, autosummarize = on);

create table "raw_vault"."sat_product_details" (
    "product_hash_key" bytea not null,
    "effective_at" timestamptz not null,
    "hashdiff" bytea not null,
    "product_name" text,
    "category" text,
    "price" numeric,
    "cost" numeric,
    "supplier" text,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("product_hash_key", "effective_at", "record_source", "record_row")
);

create index on "raw_vault"."sat_product_details" using brin (record_source) with (pages_per_range = 16, autosummarize = on);

create table "raw_vault"."sat_order_details" (
    "order_hash_key" bytea not null,
    "effective_at" timestamptz not null,
    "hashdiff" bytea not null,
    "order_date" timestamptz,
    "payment_method" text,
    "order_status" text,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("order_hash_key", "effective_at", "record_source", "record_row")
);

create index on "raw_vault"."sat_order_details" using brin (record_source) with (pages_per_range = 16, autosummarize = on);

create table "raw_vault"."sat_order_line" (
    "link_hash_key" bytea not null,
    "effective_at" timestamptz not null,
    "hashdiff" bytea not null,
    "quantity" bigint,
    "unit_price" numeric,
    "total_amount" numeric,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("link_hash_key", "effective_at", "record_source", "record_row")
);

create index on "raw_vault"."sat_order_line" using brin (record_source) with (pages_per_range = 16, autosummarize = on);

create table "raw_vault"."sat_customer_order_effectivity" (
    "order_hash_key" bytea not null,
    "effective_at" timestamptz not null,
    "link_hash_key" bytea not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("order_hash_key", "effective_at", "record_source", "record_row")
);

create index on "raw_vault"."sat_customer_order_effectivity" using brin (record_source) with (pages_per_range = 16, autosummarize = on);
