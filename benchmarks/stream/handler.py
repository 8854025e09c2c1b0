"""The stream function's code against a PostgreSQL server of its own, fsync on, beside row by row."""

import base64
import json
import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from benchmarks.stream.events import kafka_event, random_event
from functions.common.database import ConnectionHolder
from functions.load.schema.migrate import migrate
from functions.stream.batch import read_batch, utc_now
from functions.stream.settings import StreamSettings
from functions.stream.store import store
from local.servers.postgres import PostgresServer

EVENTS = 40_000
ROW_BY_ROW_EVENTS = 3_000
_PASSWORD = "of-the-benchmark"


@dataclass(frozen=True)
class Rate:
    """Events a second of one way to store them."""

    name: str
    events: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.events / self.seconds


def measure_handler(folder: Path, events: int = EVENTS) -> list[Rate]:
    """The function's own code in batches of 500 and 1,000, of one partition and of two at once, and row by row."""
    server = PostgresServer(folder / "handler-postgres")
    with server.running():
        url = _prepared(server)
        rates = [_partitions_at_once(url, many, size, events) for many in (1, 2) for size in (500, 1_000)]
        rates += [_row_by_row(server.url, per_commit) for per_commit in (500, 1)]
    server.remove()
    return rates


def measure_growth(folder: Path, counts: Sequence[int]) -> list[Rate]:
    """One partition in batches of 1,000, while the tables of events hold so many already."""
    server = PostgresServer(folder / "growing-postgres")
    rates = []
    with server.running():
        url = _prepared(server)
        for count in counts:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(_GROW.encode(), {"count": count})
                connection.execute("vacuum analyze")
                connection.execute("checkpoint")
            rate = _partitions_at_once(url, 1, 1_000, EVENTS)
            rates.append(Rate(f"among {count:,}", rate.events, rate.seconds))
    server.remove()
    return rates


def _prepared(server: PostgresServer) -> str:
    """The stream's URL of a database with partitions, whose hubs, marts and activity hold what will be named again."""
    with psycopg.connect(server.url) as connection:
        migrate(connection, {"c360_stream": _PASSWORD})
        connection.execute("select metadata.make_event_partitions(current_date - 9, current_date + 1)")
    url = make_conninfo(server.url, user="c360_stream", password=_PASSWORD)
    _store_batches(url, 0, 500, 20_000)
    return url


# Events of the last eight days, as the handler stores them, until there are so many.
_GROW = """
with grown as (
    select
        substring(sha256(convert_to('grown-' || stored_before + n, 'UTF8')) for 16) as link_hash_key,
        'C' || to_char(n %% 10000, 'FM000000') as customer_id,
        now() - n %% 691200 * interval '1 second' as occurred_at
    from (select count(*) as stored_before from metadata.event_id) as stored
    cross join lateral generate_series(1, greatest(0, %(count)s - stored_before)) as n
), noted as (
    insert into metadata.event_id select link_hash_key, occurred_at from grown
)
insert into raw_vault.link_customer_event
select
    link_hash_key, substring(sha256(convert_to('s7:' || customer_id, 'UTF8')) for 16),
    '\\x00000000000000000000000000000000', encode(link_hash_key, 'hex'), 'page_view', occurred_at, null,
    'S-of-the-past', '{"path": "/products"}', occurred_at, -1, 0, 1
from grown
"""


def _partitions_at_once(url: str, partitions: int, size: int, events: int) -> Rate:
    """Lambda invokes the function for one batch of a partition at a time: each partition is a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(partitions, mp_context=context) as pool:
        shares = [events // partitions] * partitions
        list(pool.map(_store_batches, [url] * partitions, range(partitions), [size] * partitions, [size] * partitions))
        spans = list(pool.map(_store_batches, [url] * partitions, range(partitions), [size] * partitions, shares))
    name = f"batches of {size:,}" + (f", {partitions} partitions" if partitions > 1 else "")
    seconds = max(end for _, end in spans) - min(begin for begin, _ in spans)
    return Rate(name, sum(shares), seconds)


def _store_batches(url: str, partition: int, size: int, events: int) -> tuple[float, float]:
    """When the first batch was begun and when the last was stored."""
    settings = StreamSettings.model_validate({"database_url": url})
    connections = ConnectionHolder()
    batches = [kafka_event([random_event() for _ in range(size)], partition) for _ in range(events // size)]
    began = time.time()
    for batch in batches:
        store(connections, settings, read_batch(batch, utc_now()))
    ended = time.time()
    with connections.transaction(settings) as connection:
        pass
    connection.close()
    return began, ended


_KEY = "substring(sha256(convert_to('s' || octet_length(%({0})s) || ':' || %({0})s, 'UTF8')) for 16)"
_ROW_BY_ROW = """
insert into metadata.event_id values ({event}, now()) on conflict do nothing;

insert into raw_vault.hub_customer (customer_hash_key, customer_id, loaded_at, record_source, record_row)
values ({customer}, %(customer_id)s, now(), -1, 0) on conflict do nothing;

insert into business_vault.mart_customer_360 (customer_id, total_orders, lifetime_value)
values (%(customer_id)s, 0, 0) on conflict do nothing;

insert into raw_vault.hub_product (product_hash_key, product_id, loaded_at, record_source, record_row)
values ({product}, %(product_id)s, now(), -1, 0) on conflict do nothing;

insert into business_vault.mart_product_analytics (product_id, total_sold, total_quantity, revenue)
values (%(product_id)s, 0, 0, 0) on conflict do nothing;

insert into raw_vault.link_customer_event
values (
    {event}, {customer}, {product}, %(event_id)s, %(event_type)s, %(timestamp)s, %(amount)s, %(session_id)s,
    %(properties)s, now(), -1, 0, 1
);

insert into business_vault.real_time_metrics as m
values (%(customer_id)s, %(event_type)s, 1, %(timestamp)s, coalesce(%(amount)s::numeric, 0))
on conflict (customer_id, event_type) do update set
    event_count = m.event_count + 1,
    last_event_time = greatest(m.last_event_time, excluded.last_event_time),
    total_purchase_amount = m.total_purchase_amount + excluded.total_purchase_amount;

insert into business_vault.live_activity as a
values (
    %(customer_id)s, {customer}, %(timestamp)s, %(event_type)s, %(timestamp)s, %(session_id)s, %(timestamp)s,
    %(product_id)s
)
on conflict (customer_id) do update set
    last_seen_at = excluded.last_seen_at,
    last_event_type = excluded.last_event_type,
    last_session_at = excluded.last_session_at,
    last_session_id = excluded.last_session_id,
    last_product_at = excluded.last_product_at,
    last_product_id = excluded.last_product_id
where a.last_seen_at < excluded.last_seen_at;

insert into metadata.stream_offset as o values ('bench', 0, 1, now())
on conflict (topic, kafka_partition) do update set
    next_offset = o.next_offset + 1, loaded_at = excluded.loaded_at
"""


def _row_by_row(url: str, per_commit: int) -> Rate:
    """The same tables, an event at a time, a statement for each, committed with the offset after so many.

    As a careful consumer without sets would write it: an event that was there already is left alone. In its favour:
    nothing is validated, and there are no totals of all customers.
    """
    batches = [kafka_event([random_event() for _ in range(500)], 0) for _ in range(ROW_BY_ROW_EVENTS // 500)]
    keys = {name: _KEY.format(f"{name}_id") for name in ("event", "customer", "product")}
    first, *others, offset = _ROW_BY_ROW.format(**keys).encode().split(b";")
    with psycopg.connect(url) as connection:
        began = time.perf_counter()
        for batch in batches:
            for number, record in enumerate(batch["records"]["bench-0"], start=1):
                said = {"amount": None, **json.loads(base64.b64decode(record["value"]))}
                said["properties"] = json.dumps(said["properties"])
                if connection.execute(first, said).rowcount:
                    for statement in others:
                        connection.execute(statement, said)
                if number % per_commit == 0:
                    connection.execute(offset)
                    connection.commit()
        seconds = time.perf_counter() - began
    return Rate(f"row by row, commit of {per_commit}", ROW_BY_ROW_EVENTS, seconds)


def rates_table(rates: list[Rate]) -> str:
    """The rates as text, each beside the last."""
    lines = [f"{'handler to PostgreSQL':29} {'events':>9} {'seconds':>8} {'events/s':>9} {'times':>6}"]
    last = rates[-1].per_second
    lines += [
        f"{r.name:29} {r.events:>9,} {r.seconds:>8.2f} {r.per_second:>9,.0f} {r.per_second / last:>6.1f}" for r in rates
    ]
    return "\n".join(lines)
