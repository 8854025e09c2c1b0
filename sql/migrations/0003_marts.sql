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
