"""The API under load beside the plain way, on a database of its own: python -m benchmarks api [--quick]

Requests per second with 16 connections, latency at any depth of a list, the single customer's SQL, and what a cold
start imports. Servers take turns, each a uvicorn of one process; as of an instant, that of the
platform. Nothing but loopback is asked.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psutil
import psycopg

from benchmarks.api import apart, goals
from benchmarks.api.browsers import beside_browsers
from benchmarks.api.history import fill_history
from benchmarks.api.load_generator import Load, generator, load
from functions.api.paging import cursor
from functions.load.schema.migrate import migrate
from local import processes
from local.servers.postgres import PostgresServer

CUSTOMERS = 10_000
LINES_PER_CUSTOMER = 10
CONNECTIONS = 16
PASSWORD = "api"

_LINES = """
insert into business_vault.mart_order_line (
    transaction_id, line_number, product_id, customer_id, order_date, quantity, unit_price, total_amount,
    payment_method, order_status
)
select
    'T' || lpad(n::text, 9, '0'), 1, 'P' || lpad((n %% 5000)::text, 6, '0'),
    'C' || lpad((n %% %(customers)s)::text, 8, '0'), timestamptz '2025-11-01' + n * interval '30 seconds', n %% 5 + 1,
    n %% 1000 + 0.99, (n %% 5 + 1) * (n %% 1000 + 0.99), 'credit_card',
    (array['Completed', 'Pending', 'Cancelled', 'Returned'])[n %% 4 + 1]
from generate_series(1, %(lines)s) as n
"""
_CUSTOMERS = """
insert into business_vault.mart_customer_360 (
    customer_id, first_name, last_name, email, phone, country, state, city, customer_segment, signup_date,
    total_orders, lifetime_value, avg_order_value, first_order_date, last_order_date
)
select
    customer_id, 'Anna', 'Schmidt', 'anna.' || customer_id || '@example.com', '+49 30 123456', 'Germany', 'Bavaria',
    'Munich', (array['Gold', 'Silver', 'Bronze'])[right(customer_id, 1)::int %% 3 + 1], date '2025-01-01', count(*),
    sum(total_amount), round(avg(total_amount), 2), min(order_date), max(order_date)
from business_vault.mart_order_line
group by customer_id
"""
_PUBLISHED = """
insert into metadata.load_run (run_id, execution_arn, status, started_at) values ('bench', 'arn', 'SUCCEEDED', now());
insert into metadata.mart_publication (mart, run_id, published_at, rows)
select 'mart_customer_360', 'bench', now(), count(*) from business_vault.mart_customer_360;
insert into business_vault.mart_anchor (anchor, recency, frequency, monetary)
select
    date '2026-11-01', array['2025-11-09', '2025-11-18', '2025-11-26', '2025-12-04']::timestamptz [],
    array[8, 9, 10, 11], array[5000, 10000, 15000, 20000];
select business_vault.index_for_readers();
"""


@dataclass(frozen=True)
class Size:
    """How long it is measured, and how much lies in the vault that is asked for what it was."""

    rounds: int
    seconds: int
    goals_only: bool
    history_customers: int


WHOLE = Size(rounds=5, seconds=4, goals_only=False, history_customers=CUSTOMERS * 10)
QUICK = Size(rounds=2, seconds=2, goals_only=True, history_customers=CUSTOMERS)
"""In two minutes: what the goals compare, and a tenth of the history."""


@dataclass(frozen=True)
class Case:
    """A row of the table: `server` is asked for `paths` in turn."""

    label: str
    server: str
    paths: list[str]
    header: str | None = None


@contextlib.contextmanager
def _filled(server: PostgresServer, name: str, customers: int, *, history: bool = False) -> Iterator[str]:
    """A database with this many customers, as the API signs in; with `history`, the vault is filled too."""
    with psycopg.connect(server.url_for("postgres"), autocommit=True) as admin:
        admin.execute(f'create database "{name}"'.encode())
    url = server.url_for(name)
    with psycopg.connect(url) as connection:
        migrate(connection, {"c360_api": PASSWORD})
        numbers = {"customers": customers, "lines": customers * LINES_PER_CUSTOMER}
        connection.execute(_LINES, numbers)
        connection.execute(_CUSTOMERS.replace("%%", "%"))
        if history:
            fill_history(connection, customers * LINES_PER_CUSTOMER)
        connection.execute(_PUBLISHED)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")
    parts = urlsplit(url)
    yield urlunsplit(parts._replace(netloc=f"c360_api:{PASSWORD}@{parts.hostname}:{parts.port}"))


@dataclass(frozen=True)
class Served:
    """A server: its port, and its process."""

    port: int
    process: psutil.Process


@dataclass(frozen=True)
class Measured:
    """A load, and the seconds of processor time that server and PostgreSQL took for each request of it."""

    load: Load
    processor: float


@contextlib.contextmanager
def served(application: str, database_url: str, *, locally: bool = False, **settings: str) -> Iterator[Served]:
    """A uvicorn of one process; or, as it is served `locally`, with another one for costly requests."""
    port = processes.free_port()
    command = [sys.executable, "-m"]
    if locally:
        command += ["local.servers.api_process", application, str(port)]
    else:
        command += ["uvicorn", application, "--port", str(port), "--no-access-log", "--lifespan", "off"]
    environment = os.environ | {"DATABASE_URL": database_url, "POWERTOOLS_SERVICE_NAME": "api"} | settings
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/customers", trust_env=False).raise_for_status()
                break
            except httpx.TransportError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise
            time.sleep(0.05)
        yield Served(port, psutil.Process(server.pid))
    finally:
        server.terminate()
        server.wait()


def _customer_id(number: int) -> str:
    return f"C{number:08}"


def _page_after(number: int) -> str:
    return f"/customers?limit=100&cursor={cursor.encode('customer_id', [_customer_id(number)])}"


def _cases(port: int) -> list[Case]:
    tag = httpx.get(f"http://127.0.0.1:{port}/customers", trust_env=False).headers["etag"]
    every_page = [_page_after(number) for number in range(0, CUSTOMERS, 3)]  # more than the process remembers
    customers = [f"/customers/{_customer_id(number)}" for number in range(CUSTOMERS)]
    return [
        Case("page of 100 customers, plain", "plain", ["/customers"]),
        Case("page of 100 customers", "ours", ["/customers"]),
        Case("another page each time, plain", "plain", [f"/customers?skip={n}" for n in range(0, CUSTOMERS, 3)]),
        Case("another page each time, by cursor", "ours", every_page),
        Case("the same, not audited", "unaudited", every_page),
        Case("the same, persons masked", "masked", every_page),
        Case("the same, three fields", "ours", [f"{path}&fields=customer_id,city,total_orders" for path in every_page]),
        Case("page of 100, compressed", "ours", ["/customers"], "Accept-Encoding: gzip"),
        Case("page of 100, unchanged (304)", "ours", ["/customers"], f"If-None-Match: {tag}"),
        Case("a segment by value", "ours", ["/customers?segment=Gold&sort=-lifetime_value"]),
        Case("another page each time, bare ASGI", "bare", every_page),
        Case("one customer, plain", "plain", customers),
        Case("one customer, bare ASGI", "bare", customers),
        Case("one customer, not audited", "unaudited", customers),
        Case("one customer", "ours", customers),
    ]


_ONE, _PAGES = "one customer", "another page each time, by cursor"
_GOALS = (
    ("one customer, of bare ASGI's throughput", _ONE, "one customer, bare ASGI", 0.9),
    ("another page each time, of bare ASGI's", _PAGES, "another page each time, bare ASGI", 0.8),
    ("the audit trail leaves for one customer", _ONE, "one customer, not audited", 0.95),
    ("the audit trail leaves for pages", _PAGES, "the same, not audited", 0.95),
    ("masking leaves for pages", "the same, persons masked", _PAGES, 0.95),
)
"""What is measured, the two cases whose throughput is compared, and the share that is wanted."""
_OF_GOALS = frozenset(case for _, *compared, _ in _GOALS for case in compared)


def _table(taken: dict[str, list[Measured]]) -> str:
    lines = [f"{f'{CONNECTIONS} connections, {generator()}':36} requests/s   p50 ms   p99 ms  failed   CPU us"]
    for label, rounds in taken.items():
        each = sorted((measured.load for measured in rounds), key=lambda load: load.per_second)[len(rounds) // 2]
        processor = statistics.median(measured.processor for measured in rounds) * 1e6
        figures = f"{each.per_second:10,.0f} {each.p50:8.1f} {each.p99:8.1f} {each.failed:7} {processor:8,.0f}"
        lines.append(f"{label:36} {figures}")
    return "\n".join(lines)


def _share(taken: dict[str, list[Measured]], one: str, other: str) -> float:
    """What a case bears of another's throughput: of the two side by side in each round, the middle.

    By the processor time of a request, since others use the machine too, and not in equal shares.
    """
    rounds = zip(taken[one], taken[other], strict=True)
    return statistics.median(its.processor / mine.processor for mine, its in rounds)


def _processor_seconds(served: Served, postgres: psutil.Process) -> float:
    each = [served.process, *postgres.children()]
    return sum(times.user + times.system for times in (process.cpu_times() for process in each))


def _measured(served: Served, postgres: psutil.Process, case: Case, seconds: int) -> Measured:
    before = _processor_seconds(served, postgres)
    taken = load(served.port, case.paths, connections=CONNECTIONS, seconds=seconds, header=case.header)
    return Measured(taken, (_processor_seconds(served, postgres) - before) / (taken.per_second * seconds))


def _throughput(database_url: str, size: Size, postgres: psutil.Process) -> str:
    with (
        tempfile.TemporaryDirectory(prefix="c360-spool-") as spool,  # as the local server has one
        served("benchmarks.api.plain:app", database_url) as plain,
        served("benchmarks.api.bare:app", database_url) as bare,
        served("functions.api.app:app", database_url, AUDIT_SPOOL=spool) as ours,
        served("benchmarks.api.unaudited:app", database_url) as unaudited,
        served("functions.api.app:app", database_url, AUDIT_SPOOL=spool, API_OPEN_SCOPES="profile:read") as masked,
    ):
        servers = {"plain": plain, "bare": bare, "ours": ours, "unaudited": unaudited, "masked": masked}
        cases = [each for each in _cases(ours.port) if each.label in _OF_GOALS or not size.goals_only]
        taken: dict[str, list[Measured]] = {case.label: [] for case in cases}
        for _ in range(size.rounds):
            for case in cases:
                taken[case.label].append(_measured(servers[case.server], postgres, case, size.seconds))
        paths = [f"/customers/{_customer_id(number)}" for number in range(CUSTOMERS)]
        browsers = beside_browsers(ours.port, paths, rounds=size.rounds, seconds=2 * size.seconds)
    lines = [_table(taken)]
    if not size.goals_only:
        ratio = _share(taken, "page of 100 customers", "page of 100 customers, plain")
        other = _share(taken, "another page each time, by cursor", "another page each time, plain")
        lines.append(f"page of 100 customers: {ratio:.1f} times the plain way, another each time {other:.1f}")
    for goal, one, of, wanted in _GOALS:
        lines.append(goals.at_least(f"{goal}, by processor time", _share(taken, one, of), wanted))
    return "\n".join([*lines, *browsers])


def _milliseconds(client: httpx.Client, path: str) -> float:
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return (time.perf_counter() - began) * 1000


def _depth(database_url: str, customers: int) -> str:
    """Pages that nobody has asked for before, at both ends of the list, in turns."""
    last = customers - 200
    taken: dict[str, list[float]] = {"page 1": [], "page 1,000": [], "page 1,000 by skip": []}
    with (
        served("functions.api.app:app", database_url) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client,
    ):
        for turn in range(-20, 300):
            for label, path in (
                ("page 1", _page_after(turn + 20)),
                ("page 1,000", _page_after(last - turn)),
                ("page 1,000 by skip", f"/customers?skip={last - turn}"),
            ):
                elapsed = _milliseconds(client, path)
                if turn >= 0:
                    taken[label].append(elapsed)
    p50 = {label: statistics.median(values) for label, values in taken.items()}
    figures = ", ".join(f"{label} {value:.2f} ms" for label, value in p50.items())
    return f"{customers:,} customers: {figures}; by cursor {p50['page 1,000'] / p50['page 1']:.2f} times page 1"


def _single_sql(database_url: str, customers: int) -> str:
    query = b"select row_to_json(c)::text from business_vault.vw_customer_360 as c where customer_id = %s"
    with psycopg.connect(database_url, autocommit=True) as connection:
        taken = []
        for number in range(1000):
            began = time.perf_counter()
            connection.execute(query, (_customer_id(number * 7919 % customers),), prepare=True).fetchone()
            taken.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(taken[100:], n=100, method="inclusive")
    return (
        f"one customer's SQL at {customers * LINES_PER_CUSTOMER:,} orders: p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms"
    )


def _as_of(database_url: str, size: Size) -> str:
    """Pages as of an instant, and what their callers cost others."""
    orders = size.history_customers * LINES_PER_CUSTOMER
    with (
        tempfile.TemporaryDirectory(prefix="c360-spool-") as spool,
        served("functions.api.app:app", database_url, locally=True, AUDIT_SPOOL=spool) as server,
    ):
        return "\n".join(
            [
                *apart.pages(server.port, orders),
                *apart.beside_lists(server.port, orders, rounds=size.rounds, seconds=2 * size.seconds),
            ]
        )


def _cold_import() -> str:
    """Seconds that a new process takes to import the Lambda handler, over one that imports nothing."""
    environment = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere", "PATH": ""}

    def seconds(program: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], env=environment, check=True)
        return time.perf_counter() - began

    programs = {"nothing": "pass", "handler": "import functions.api.handler"}
    taken = {name: statistics.median(seconds(program) for _ in range(7)) for name, program in programs.items()}
    return f"importing the API's Lambda handler: {taken['handler'] - taken['nothing']:.2f} s"


def measure(size: Size) -> str:
    """All figures as text."""
    with tempfile.TemporaryDirectory(prefix="c360-bench-", ignore_cleanup_errors=True) as scratch:
        folder = Path(scratch)
        folder.chmod(0o711)  # PostgreSQL, which never runs as root, must enter
        server = PostgresServer(folder / "postgres")
        with server.running():
            process = server.process()
            assert process is not None
            postgres = psutil.Process(process.pid)
            with _filled(server, "nightly", CUSTOMERS) as url:
                figures = [_throughput(url, size, postgres)]
            customers = size.history_customers
            with _filled(server, "history", customers, history=True) as url:
                if not size.goals_only:
                    figures += [_depth(url, customers), _single_sql(url, customers)]
                figures.append(_as_of(url, size))
    return "\n".join(figures if size.goals_only else [*figures, _cold_import()])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks api", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="what the goals compare, in two minutes")
    print(measure(QUICK if parser.parse_args(arguments).quick else WHOLE))


if __name__ == "__main__":
    main()
