-- Rendered from sql/model.yaml by functions/load/render_ddl.py.

create table "staging"."customers" (
    "object_id" bigint,
    "part" integer,
    "row_number" bigint,
    "customer_id" text,
    "first_name" text,
    "last_name" text,
    "email" text,
    "phone" text,
    "signup_date" date,
    "country" text,
    "state" text,
    "city" text,
    "customer_segment" text,
    "customer_hash_key" bytea,
    "sat_customer_details_hashdiff" bytea
) partition by range (object_id, part);

create table "staging"."products" (
    "object_id" bigint,
    "part" integer,
    "row_number" bigint,
    "product_id" text,
    "product_name" text,
    "category" text,
    "price" numeric,
    "cost" numeric,
    "supplier" text,
    "product_hash_key" bytea,
    "sat_product_details_hashdiff" bytea
) partition by range (object_id, part);

create table "staging"."transactions" (
    "object_id" bigint,
    "part" integer,
    "row_number" bigint,
    "transaction_id" text,
    "customer_id" text,
    "order_date" timestamptz,
    "product_id" text,
    "quantity" bigint,
    "unit_price" numeric,
    "total_amount" numeric,
    "payment_method" text,
    "order_status" text,
    "line_number" bigint,
    "customer_hash_key" bytea,
    "product_hash_key" bytea,
    "order_hash_key" bytea,
    "link_customer_order_hash_key" bytea,
    "link_order_product_hash_key" bytea,
    "sat_order_details_hashdiff" bytea,
    "sat_order_line_hashdiff" bytea
) partition by range (object_id, part);

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

create index on "raw_vault"."link_customer_order" ("customer_hash_key");

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

create table "raw_vault"."sat_customer_status" (
    "customer_hash_key" bytea not null,
    "effective_at" timestamptz not null,
    "is_deleted" boolean not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("customer_hash_key", "effective_at", "record_source", "record_row")
);

create index on "raw_vault"."sat_customer_status" using brin (record_source) with (pages_per_range = 16, autosummarize = on);

create table "raw_vault"."sat_product_status" (
    "product_hash_key" bytea not null,
    "effective_at" timestamptz not null,
    "is_deleted" boolean not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("product_hash_key", "effective_at", "record_source", "record_row")
);

create index on "raw_vault"."sat_product_status" using brin (record_source) with (pages_per_range = 16, autosummarize = on);

create table "raw_vault"."sat_order_line_status" (
    "link_hash_key" bytea not null,
    "effective_at" timestamptz not null,
    "is_deleted" boolean not null,
    loaded_at timestamptz not null,
    record_source bigint not null,
    record_row bigint not null,
    hash_version smallint not null default 1,
    primary key ("link_hash_key", "effective_at", "record_source", "record_row")
);

create index on "raw_vault"."sat_order_line_status" using brin (record_source) with (pages_per_range = 16, autosummarize = on);
