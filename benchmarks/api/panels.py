"""How long the query of each panel takes, under each kind of filter: `python -m benchmarks panels --scale 10`.

The marts are filled by SQL, in the sample's sizes: 10,000 customers, 5,000 products and 100,000 order lines of a year,
of skewed popularity, times the scale. Each query is run as the API's role; the better of two runs counts.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from functions.load.marts.summaries import sum_every_line
from functions.load.schema.migrate import migrate
from functions.model.metrics import Metric, load_metrics
from local.servers.postgres import PostgresServer

FILTERS: dict[str, LiteralString] = {
    "all": "",
    "a month": "since => '2026-10-01', until => '2026-10-31'",
    "a segment": "segments => '{Gold}'",
    "a state": "states => '{State 7}'",
    "a category": "categories => '{Category 3}'",
    "a status": "statuses => '{Completed}'",
}
PASSWORD = "api"
_LINES = """
insert into business_vault.mart_order_line (
    transaction_id, line_number, product_id, customer_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status, is_first_line
)
select
    'T' || lpad(n::text, 9, '0'), 1, 'P' || lpad((power(random(), 2) * 5000)::int::text, 6, '0'),
    case when random() > 0.02 then 'C' || lpad((power(random(), 1.5) * %(customers)s)::int::text, 8, '0') end,
    timestamptz '2025-11-01' + n * (interval '365 days' / %(lines)s), n %% 5 + 1,
    n %% 1000 + 0.99, (n %% 5 + 1) * (n %% 1000 + 0.99), 'credit_card',
    (array['Completed', 'Pending', 'Cancelled', 'Returned', 'Shipped'])[n %% 5 + 1], true
from generate_series(1, %(lines)s) as n
"""
_OTHERS = """
insert into business_vault.mart_product_analytics (
    product_id, product_name, category, total_sold, total_quantity, revenue
)
select
    product_id, 'Product ' || product_id, 'Category ' || right(product_id, 2)::int % 12, count(*), sum(quantity),
    sum(total_amount)
from business_vault.mart_order_line
group by product_id;
insert into business_vault.mart_customer_360 (
    customer_id, first_name, last_name, email, country, state, customer_segment, signup_date, total_orders,
    lifetime_value, first_order_date, last_order_date
)
select
    customer_id, 'Anna', 'Schmidt', 'anna.' || customer_id || '@example.com', 'Germany',
    'State ' || right(customer_id, 2)::int % 50,
    (array['Gold', 'Silver', 'Bronze', 'Basic'])[right(customer_id, 1)::int % 4 + 1], date '2025-01-01', count(*),
    sum(total_amount), min(order_date), max(order_date)
from business_vault.mart_order_line
where customer_id is not null
group by customer_id;
insert into business_vault.mart_anchor (anchor) values (date '2026-11-01');
"""


def main(arguments: Sequence[str]) -> None:
    """Print a table: milliseconds by panel and filter."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks panels")
    parser.add_argument("--scale", type=int, default=1)
    scale: int = parser.parse_args(arguments).scale
    with tempfile.TemporaryDirectory(prefix="c360-") as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as somebody else
        server = PostgresServer(Path(folder) / "postgres")
        with server.running():
            fill(server.url_for("postgres"), scale)
            _print_times(server, scale)


def fill(url: str, scale: int) -> None:
    """Migrate the database and fill its marts; the API signs in with PASSWORD."""
    with psycopg.connect(url) as connection:
        migrate(connection, {"c360_api": PASSWORD})
        connection.execute(_LINES.encode(), {"lines": 100_000 * scale, "customers": 10_000 * scale})
        connection.execute(_OTHERS.encode())
        connection.execute("set local work_mem = '64MB'")
        sum_every_line(connection)
        connection.execute("select business_vault.index_for_readers()")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")


def _print_times(server: PostgresServer, scale: int) -> None:
    print(f"Milliseconds of each panel's query, {100_000 * scale:,} order lines\n")
    print("| panel |", " | ".join(FILTERS), "|")
    print("|---|", "---:|" * len(FILTERS), sep="")
    with psycopg.connect(server.url_for("postgres"), autocommit=True) as connection:
        connection.execute("set role c360_api")
        for metric in load_metrics().metrics.values():
            filters = [*FILTERS.values()] if metric.filters else [""]
            times = [f"{milliseconds(connection, metric, chosen):.0f}" for chosen in filters]
            print("|", metric.name, "|", " | ".join(times + [""] * (len(FILTERS) - len(times))), "|")


def milliseconds(connection: psycopg.Connection, metric: Metric, filters: LiteralString) -> float:
    """What the metric's query takes, the better of two runs."""
    best = float("inf")
    for _ in range(2):
        began = time.perf_counter()
        run(connection, metric, filters)
        best = min(best, time.perf_counter() - began)
    return best * 1000


def run(connection: psycopg.Connection, metric: Metric, filters: LiteralString) -> None:
    """The metric's query once."""
    name = sql.Identifier("business_vault", metric.relation)
    rows = sql.SQL("{}({})").format(name, sql.SQL(filters)) if filters else name
    connection.execute(sql.SQL("select * from {}").format(rows)).fetchall()
