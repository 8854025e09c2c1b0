"""The common approach, as tutorials on a Data Vault in PostgreSQL with pandas write it.

pandas `to_sql` into staging tables; a plpgsql function that returns the SHA-256 of columns joined with `||` in hex;
char(64) keys; hubs and links by ON CONFLICT DO NOTHING; satellites by an anti-join on key and hashdiff. In its favour:
no foreign keys, and both ways of `to_sql` are measured, since which is faster depends on the driver. It keeps no order
among changes, takes no late files, and has no quarantine, no ledger, no status of deleted keys and no checks.
"""

from typing import Literal

import pandas as pd
import psycopg
from sqlalchemy import create_engine

from benchmarks.load.files import SOURCES, Files
from benchmarks.load.result import Clock, Result

_TABLES = """create schema staging;
create schema raw_vault;

create function raw_vault.hash_of(value text) returns char(64) language plpgsql immutable as $$
begin
    return encode(sha256(convert_to(upper(trim(coalesce(value, ''))), 'UTF8')), 'hex');
end;
$$;

create table raw_vault.hub_customer (
    customer_hash_key char(64) primary key,
    customer_id varchar(50) not null,
    load_date timestamptz not null default now(),
    record_source varchar(100) not null
);
create table raw_vault.hub_product (
    product_hash_key char(64) primary key,
    product_id varchar(50) not null,
    load_date timestamptz not null default now(),
    record_source varchar(100) not null
);
create table raw_vault.hub_order (
    order_hash_key char(64) primary key,
    transaction_id varchar(50) not null,
    load_date timestamptz not null default now(),
    record_source varchar(100) not null
);
create table raw_vault.link_customer_order (
    link_hash_key char(64) primary key,
    customer_hash_key char(64) not null,
    order_hash_key char(64) not null,
    load_date timestamptz not null default now(),
    record_source varchar(100) not null
);
create table raw_vault.link_order_product (
    link_hash_key char(64) primary key,
    order_hash_key char(64) not null,
    product_hash_key char(64) not null,
    load_date timestamptz not null default now(),
    record_source varchar(100) not null
);
create table raw_vault.sat_customer_details (
    customer_hash_key char(64) not null,
    load_date timestamptz not null,
    hash_diff char(64) not null,
    first_name varchar(100), last_name varchar(100), email varchar(255), phone varchar(50), signup_date date,
    country varchar(100), state varchar(100), city varchar(100), customer_segment varchar(50),
    record_source varchar(100) not null,
    primary key (customer_hash_key, load_date)
);
create table raw_vault.sat_product_details (
    product_hash_key char(64) not null,
    load_date timestamptz not null,
    hash_diff char(64) not null,
    product_name varchar(255), category varchar(100), price numeric(12, 2), cost numeric(12, 2), supplier varchar(255),
    record_source varchar(100) not null,
    primary key (product_hash_key, load_date)
);
create table raw_vault.sat_order_details (
    order_hash_key char(64) not null,
    load_date timestamptz not null,
    hash_diff char(64) not null,
    order_date timestamptz, quantity integer, unit_price numeric(12, 2), total_amount numeric(12, 2),
    payment_method varchar(50), order_status varchar(50),
    record_source varchar(100) not null,
    primary key (order_hash_key, load_date)
)"""

_HUBS_AND_LINKS = (
    """insert into raw_vault.hub_customer (customer_hash_key, customer_id, record_source)
select distinct raw_vault.hash_of(customer_id), customer_id, 'customers' from staging.customers
on conflict do nothing""",
    """insert into raw_vault.hub_product (product_hash_key, product_id, record_source)
select distinct raw_vault.hash_of(product_id), product_id, 'products' from staging.products
on conflict do nothing""",
    """insert into raw_vault.hub_order (order_hash_key, transaction_id, record_source)
select distinct raw_vault.hash_of(transaction_id), transaction_id, 'transactions' from staging.transactions
on conflict do nothing""",
    """insert into raw_vault.link_customer_order (link_hash_key, customer_hash_key, order_hash_key, record_source)
select distinct
    raw_vault.hash_of(customer_id || '||' || transaction_id), raw_vault.hash_of(customer_id),
    raw_vault.hash_of(transaction_id), 'transactions'
from staging.transactions
on conflict do nothing""",
    """insert into raw_vault.link_order_product (link_hash_key, order_hash_key, product_hash_key, record_source)
select distinct
    raw_vault.hash_of(transaction_id || '||' || product_id), raw_vault.hash_of(transaction_id),
    raw_vault.hash_of(product_id), 'transactions'
from staging.transactions
on conflict do nothing""",
)

_SATELLITE = """insert into raw_vault.{satellite} ({key}, load_date, hash_diff, {columns}, record_source)
with hashed as (
    select
        raw_vault.hash_of({business_key}) as {key},
        raw_vault.hash_of(concat_ws('||', {columns})) as hash_diff,
        {typed}
    from staging.{source}
)
select h.{key}, now(), h.hash_diff, {columns}, '{source}'
from hashed as h
where not exists (
    select 1 from raw_vault.{satellite} as s where s.{key} = h.{key} and s.hash_diff = h.hash_diff
)"""
_SATELLITES = {
    "sat_customer_details": ("customers", "customer_id", "customer_hash_key", {
        "first_name": "", "last_name": "", "email": "", "phone": "", "signup_date": "::date", "country": "",
        "state": "", "city": "", "customer_segment": "",
    }),
    "sat_product_details": ("products", "product_id", "product_hash_key", {
        "product_name": "", "category": "", "price": "", "cost": "", "supplier": "",
    }),
    "sat_order_details": ("transactions", "transaction_id", "order_hash_key", {
        "order_date": "::timestamptz", "quantity": "", "unit_price": "", "total_amount": "", "payment_method": "",
        "order_status": "",
    }),
}  # fmt: skip


class CommonApproach:
    """pandas' default: executemany, which psycopg 3 sends as a pipeline."""

    name = "common approach"
    orders = "select count(*) from raw_vault.hub_order"
    method: Literal["multi"] | None = None
    chunk_rows: int | None = None

    def __init__(self, url: str) -> None:
        self._url = url

    def prepare(self) -> None:
        """Make its function and tables."""
        with psycopg.connect(self._url) as connection:
            connection.execute(_TABLES)

    def load(self, files: Files, _day: str) -> Result:
        """Staging with pandas, then the vault, one statement after the other in one transaction."""
        clock = Clock(self._url)
        engine = create_engine(self._url.replace("postgresql://", "postgresql+psycopg://", 1))
        for source in SOURCES:
            frame = pd.read_csv(files.path(source))
            with engine.begin() as connection:
                frame.to_sql(
                    source,
                    connection,
                    schema="staging",
                    if_exists="replace",
                    index=False,
                    method=self.method,
                    chunksize=self.chunk_rows,
                )
        engine.dispose()
        clock.lap("stage")
        with psycopg.connect(self._url) as vault:
            for statement in _HUBS_AND_LINKS:
                vault.execute(statement)
            clock.lap("hubs and links")
            for satellite, (source, business_key, key, columns) in _SATELLITES.items():
                statement = _SATELLITE.format(
                    satellite=satellite,
                    source=source,
                    business_key=business_key,
                    key=key,
                    columns=", ".join(columns),
                    typed=", ".join(f"{name}{cast} as {name}" for name, cast in columns.items()),
                )
                vault.execute(statement.encode())
        clock.lap("satellites")
        return clock.result()


class CommonMultiRow(CommonApproach):
    """The setting that is often recommended: multi-row INSERT statements."""

    name = "the same, multi-row"
    method = "multi"
    chunk_rows = 1000
