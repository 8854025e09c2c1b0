"""A vault filled by SQL, to measure answers as of an instant.

A tenth as many customers as orders, 5,000 products, one line an order. A tenth of the customers and of the orders has
a second version, of a second file a month later.
"""

import psycopg

PRODUCTS = 5_000

_FILES = """
insert into metadata.load_run (run_id, execution_arn, status, started_at, loaded_at)
values
    ('first', 'arn', 'SUCCEEDED', timestamptz '2026-01-02', timestamptz '2026-01-02'),
    ('second', 'arn', 'SUCCEEDED', timestamptz '2026-02-02', timestamptz '2026-02-02');
insert into metadata.object_version (
    object_id, bucket, object_key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at,
    content_sha256, status, run_id
)
overriding system value
values
    (1, 'landing', 'landing/transactions/1.csv', '1', '1', 1, '2026-01-01', 'transactions', false, '2026-01-01',
    '\\x01', 'LOADED', 'first'),
    (2, 'landing', 'landing/transactions/2.csv', '2', '2', 1, '2026-02-01', 'transactions', false, '2026-02-01',
    '\\x02', 'LOADED', 'second');
"""
_KEYS = """
create function pg_temp.key(name text) returns bytea language sql immutable
as $$ select substring(sha256(convert_to(name, 'UTF8')) for 16) $$;
create temporary table loaded_object (object_id bigint, effective_at timestamptz, loaded_at timestamptz, every int);
insert into loaded_object
values (1, '2026-01-01', '2026-01-02', 1), (2, '2026-02-01', '2026-02-02', 10);
"""
_VAULT = """
insert into raw_vault.hub_customer (customer_hash_key, customer_id, loaded_at, record_source, record_row)
select pg_temp.key('C' || n), 'C' || lpad(n::text, 8, '0'), '2026-01-02', 1, n
from generate_series(0, %(customers)s - 1) as n
order by 1;
insert into raw_vault.hub_product (product_hash_key, product_id, loaded_at, record_source, record_row)
select pg_temp.key('P' || n), 'P' || lpad(n::text, 6, '0'), '2026-01-02', 1, n
from generate_series(0, %(products)s - 1) as n
order by 1;
insert into raw_vault.hub_order (order_hash_key, transaction_id, loaded_at, record_source, record_row)
select pg_temp.key('T' || n), 'T' || lpad(n::text, 9, '0'), '2026-01-02', 1, n
from generate_series(1, %(orders)s) as n
order by 1;
insert into raw_vault.link_customer_order (
    link_hash_key, customer_hash_key, order_hash_key, loaded_at, record_source, record_row
)
select pg_temp.key('CT' || n), pg_temp.key('C' || n %% %(customers)s), pg_temp.key('T' || n), '2026-01-02', 1, n
from generate_series(1, %(orders)s) as n
order by 1;
insert into raw_vault.link_order_product (
    link_hash_key, order_hash_key, product_hash_key, loaded_at, record_source, record_row
)
select pg_temp.key('TP' || n), pg_temp.key('T' || n), pg_temp.key('P' || n %% %(products)s), '2026-01-02', 1, n
from generate_series(1, %(orders)s) as n
order by 1;
insert into raw_vault.sat_customer_details (
    customer_hash_key, effective_at, hashdiff, first_name, last_name, email, phone, signup_date, country, state, city,
    customer_segment, loaded_at, record_source, record_row
)
select
    pg_temp.key('C' || n), t.effective_at, '\\x00', 'Anna', 'Schmidt', 'anna.' || n || '@example.com', '+49 30 123456',
    '2025-01-01', 'Germany', 'State ' || n %% 50, 'Munich', (array['Gold', 'Silver', 'Bronze'])[n %% 3 + 1],
    t.loaded_at, t.object_id, n
from generate_series(0, %(customers)s - 1) as n
join loaded_object as t on n %% t.every = 0
order by 1;
insert into raw_vault.sat_product_details (
    product_hash_key, effective_at, hashdiff, product_name, category, price, cost, supplier, loaded_at, record_source,
    record_row
)
select
    pg_temp.key('P' || n), t.effective_at, '\\x00', 'Product ' || n, 'Category ' || n %% 12, 9.99, 5, 'Acme',
    t.loaded_at, t.object_id, n
from generate_series(0, %(products)s - 1) as n
join loaded_object as t on n %% t.every = 0
order by 1;
insert into raw_vault.sat_order_details (
    order_hash_key, effective_at, hashdiff, order_date, payment_method, order_status, loaded_at, record_source,
    record_row
)
select
    pg_temp.key('T' || n), t.effective_at, '\\x00', timestamptz '2025-01-01' + n * (interval '365 days' / %(orders)s),
    'credit_card', (array['Pending', 'Completed'])[t.object_id], t.loaded_at, t.object_id, n
from generate_series(1, %(orders)s) as n
join loaded_object as t on n %% t.every = 0
order by 1;
insert into raw_vault.sat_customer_order_effectivity (
    order_hash_key, effective_at, link_hash_key, loaded_at, record_source, record_row
)
select pg_temp.key('T' || n), '2026-01-01', pg_temp.key('CT' || n), '2026-01-02', 1, n
from generate_series(1, %(orders)s) as n
order by 1;
insert into raw_vault.sat_order_line (
    link_hash_key, effective_at, hashdiff, quantity, unit_price, total_amount, loaded_at, record_source, record_row
)
select
    pg_temp.key('TP' || n), t.effective_at, '\\x00', n %% 5 + 1, n %% 100 + 0.99, (n %% 5 + 1) * (n %% 100 + 0.99),
    t.loaded_at, t.object_id, n
from generate_series(1, %(orders)s) as n
join loaded_object as t on n %% t.every = 0
order by 1
"""


def fill_history(connection: psycopg.Connection, orders: int) -> None:
    """Fill an empty vault, without the marts. Commit and `vacuum analyze` afterwards."""
    connection.execute(_FILES.encode())
    connection.execute(_KEYS.encode())
    numbers = {"orders": orders, "customers": orders // 10, "products": PRODUCTS}
    for statement in _VAULT.split(";\n"):
        connection.execute(statement.encode(), numbers)
