-- What the API's filters, sorts and searches read instead of whole marts.
create extension if not exists pg_trgm;

create index on business_vault.mart_customer_360 (customer_segment, customer_id);
create index on business_vault.mart_customer_360 (country, customer_id);
create index on business_vault.mart_customer_360 (state, customer_id);
create index on business_vault.mart_customer_360 (lower(email));
create index on business_vault.mart_customer_360 (lifetime_value, customer_id);
create index on business_vault.mart_customer_360 (total_orders, customer_id);
create index on business_vault.mart_customer_360 (coalesce(last_order_date, '-infinity'), customer_id);
create index on business_vault.mart_customer_360 (coalesce(signup_date, '-infinity'), customer_id);
create index on business_vault.mart_customer_360
using gin ((lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '') || ' ' || coalesce(email, ''))) gin_trgm_ops);

create index on business_vault.mart_product_analytics (category, product_id);
create index on business_vault.mart_product_analytics (revenue, product_id);
create index on business_vault.mart_product_analytics (total_quantity, product_id);
create index on business_vault.mart_product_analytics using gin (lower(product_name) gin_trgm_ops);

create index on business_vault.mart_order_line (order_date);
create index on business_vault.mart_order_line (product_id, order_date);
create index on business_vault.mart_order_line (order_status, order_date);

-- a customer's history begins at the key that people know
create index on raw_vault.hub_customer (customer_id);
