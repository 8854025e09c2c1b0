-- Rendered from sql/model.yaml by functions/load/render_ddl.py.
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
--|       line_number: {type: integer, default: '1'}
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
