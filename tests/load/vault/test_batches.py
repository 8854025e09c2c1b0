"""A step of the vault that takes long goes by ranges of hash keys, each a transaction, and goes on where it was."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest

from functions.common.database import Connection
from functions.common.ledger import Run
from functions.load.plan.run_end import EndedExecution, record_end
from functions.load.vault import pace
from functions.load.vault.hubs import load_hubs
from functions.load.vault.links import load_links
from functions.load.vault.satellites import load_satellites
from functions.load.vault.table_load import Batch, TableLoad, load_tables
from local.servers.postgres import PostgresServer
from tests.support.csv_files import customers, products, transactions
from tests.support.database import fresh_database
from tests.support.database_state import canonical, published
from tests.support.night import Night
from tests.support.sabotage import cut_at_every_statement

STEPS = (load_hubs, load_links, load_satellites)
YESTERDAY = {
    "customers/dt=2024-01-01/a.csv": customers({"customer_id": "C1", "city": "Rome"}, {"customer_id": "C2"}),
    "transactions/dt=2024-01-03/a.csv": transactions({}, {"transaction_id": "T2", "customer_id": "C2"}),
    "transactions/dt=2024-01-01/b.csv": transactions({"transaction_id": "T3"}, {"transaction_id": "T2"}),
}
TODAY = {
    "customers/snapshot/dt=2024-01-02/a.csv": customers({"customer_id": "C1", "city": "Oslo"}, {"customer_id": "C3"}),
    "customers/dt=2023-12-31/late.csv": customers({"customer_id": "C2"}, {"customer_id": "C4", "city": "Oslo"}),
    "products/dt=2024-01-02/a.csv": products({"product_id": "P1", "price": "2"}, {"product_id": "P2"}),
    # replaces what was loaded yesterday
    "transactions/dt=2024-01-01/b.csv": transactions({"transaction_id": "T4"}, {"transaction_id": "T3"}),
    "transactions/dt=2024-01-02/a.csv": transactions({"customer_id": "C2"}, {}, {}, {"line_number": "2"}),
    "transactions/snapshot/dt=2024-01-04/a.csv": transactions({}, {"transaction_id": "T5"}),
}


@pytest.fixture
def other(night: Night, postgres_server: PostgresServer, migrated_template: str) -> Iterator[Night]:
    """The same landing zone, loaded into another database."""
    with fresh_database(postgres_server, migrated_template) as url:
        yield Night(url, night.s3)


@pytest.fixture
def two_nights(night: Night, other: Night) -> Night:
    """What came today is in the vault in one piece, in `night`; `other` has what came yesterday."""
    for files in (YESTERDAY, TODAY):
        for key, content in files.items():
            night.drop(key, content)
        night.run(accept_deletions=True)
        if files is YESTERDAY:
            other.run()
    return night


@pytest.fixture
def every_row_is_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "BATCH_ROWS", 1)


def planned(night: Night, run_id: str = "today") -> str:
    """Today's files, staged and checked."""
    _, object_ids = night.plan(run_id, accept_deletions=True)
    night.stage(run_id, object_ids)
    night.check(run_id, "staging")
    return run_id


def complete(night: Night, run_id: str) -> None:
    night.check(run_id, "vault")
    night.publish(run_id)
    night.finish(run_id)


_BY_BATCHES = "step ~ '^(hub|link|sat)_' and run_id like 'attempt-%'"


def new_rows(night: Night) -> int:
    """The rows that today's run has added to the vault, but for what it remembers."""
    last = "(select max(loaded_at) from metadata.load_run)"
    tables = night.rows(
        "select table_name from information_schema.tables where table_schema = 'raw_vault'"
        " and table_name ~ '^(hub|link|sat)_' and table_name !~ 'event'"
    )
    counts = [night.rows(f"select count(*) from raw_vault.{name} where loaded_at >= {last}") for (name,) in tables]
    return sum(count for ((count,),) in counts)


def batches(night: Night, run_id: str) -> dict[str, int]:
    """Table -> how many batches loaded it."""
    return dict(
        night.rows(
            f"select step, count(*) from metadata.load_step where run_id = '{run_id}' and step ~ '^(hub|link|sat)_'"
            " group by step"
        )
    )


def calls_until_done(night: Night, run_id: str) -> int:
    """Call each step as the state machine does, always with no time left for a second batch; how many calls it took."""
    calls = 0
    for step in STEPS:
        is_done = False
        while not is_done:
            with night.connect() as connection:
                is_done = step(connection, night.model, run_id, lambda: 0).is_done
            calls += 1
    return calls


@pytest.mark.usefixtures("every_row_is_many")
def test_a_step_out_of_time_goes_on_in_the_next_call_and_the_vault_is_the_same(two_nights: Night, other: Night) -> None:
    run_id = planned(other)
    calls = calls_until_done(other, run_id)
    by_table = batches(other, run_id)
    assert min(by_table[table] for table in ("hub_order", "link_order_product", "sat_order_line")) > 5
    assert min(by_table[table] for table in ("sat_customer_status", "sat_order_line_status")) > 1
    assert calls == sum(by_table.values())
    complete(other, run_id)
    assert canonical(other) == canonical(two_nights)
    assert other.rows("select count(*) from metadata.vault_load where loaded_below is not null") == [(0,)]
    assert other.rows("select count(*) from metadata.vault_retraction where loaded_below is not null") == [(0,)]


@pytest.mark.usefixtures("every_row_is_many")
def test_a_step_killed_in_or_between_batches_does_nothing_twice(two_nights: Night, other: Night) -> None:
    """Cut at its first statement, then at its second: what was done before stays done."""
    run_id = planned(other)
    cuts = 0
    for step in STEPS:
        for cut in cut_at_every_statement(other.connect, partial(step, model=other.model, run_id=run_id)):
            cuts += cut > 0
    assert cuts > 30
    complete(other, run_id)
    assert canonical(other) == canonical(two_nights)


@pytest.mark.usefixtures("every_row_is_many")
def test_a_run_given_up_between_batches_is_taken_over_where_it_was(two_nights: Night, other: Night) -> None:
    """Each run dies after some batches more; none does again what another has done."""
    inserted = 0
    todo = list(STEPS)
    for attempt in range(100):
        run_id = planned(other, f"attempt-{attempt}")
        for _ in range(10 + attempt):
            with other.connect() as connection:
                loaded = todo[0](connection, other.model, run_id, lambda: 0)
            inserted += sum(loaded.rows.values())
            if loaded.is_done:
                todo.pop(0)
            if not todo:
                break
        if not todo:
            break
        with psycopg.connect(other.admin_url) as connection:
            now = datetime.now(UTC)
            record_end(connection, EndedExecution(run_id, "arn", "FAILED", now, now, "Sandbox.Timedout", None))
    assert attempt > 3
    complete(other, run_id)
    assert canonical(other) == canonical(two_nights)
    assert (inserted,) == other.rows(f"select sum(rows) from metadata.load_step where {_BY_BATCHES}")[0]
    assert inserted == new_rows(two_nights)


@pytest.mark.usefixtures("every_row_is_many")
def test_a_run_that_loads_between_the_batches_of_another_gets_on_with_it(night: Night, other: Night) -> None:
    """The first run's files come before and after the second's; both in turns end as the one after the other."""
    first = {
        "transactions/dt=2024-01-01/a.csv": transactions({}, {"transaction_id": "T2"}, {"transaction_id": "T3"}),
        "transactions/dt=2024-01-03/a.csv": transactions({}, {"transaction_id": "T2", "order_status": "returned"}),
    }
    second = {"transactions/dt=2024-01-02/a.csv": transactions({"transaction_id": "T2", "order_status": "shipped"}, {})}
    for files in (first, second):
        for key, content in files.items():
            night.drop(key, content)
        night.run("first" if files is first else "second")
    for run_id, files in (("first", first), ("second", second)):
        planned_files = tuple(f"landing/{key}" for key in files)
        _, object_ids = other.plan(run_id, planned_files)
        other.stage(run_id, object_ids)
        other.check(run_id, "staging")
    open_steps = {run_id: list(STEPS) for run_id in ("first", "second")}
    while any(open_steps.values()):
        for run_id, todo in open_steps.items():
            if todo:
                with other.connect() as connection:
                    if todo[0](connection, other.model, run_id, lambda: 0).is_done:
                        todo.pop(0)
    for run_id in open_steps:
        complete(other, run_id)
    assert published(other) == published(night)


def test_a_batch_that_takes_too_long_is_cancelled_and_done_in_halves(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "BATCH_LIMIT_SECONDS", 1)
    monkeypatch.setattr("functions.load.vault.table_load.BATCH_LIMIT_SECONDS", 1)
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    done: list[tuple[int, int]] = []

    def insert(connection: Connection, _run: Run, batch: Batch) -> int:
        """Takes two seconds for all keys, half a second for a quarter of them."""
        connection.execute("select pg_sleep(%s)", (2 * batch.keys.share**2,))
        done.append((batch.keys.low, batch.keys.high))
        return 0

    load = TableLoad("sat_order_line", "transactions", insert=insert, history_of="sat_order_line")
    with night.connect() as connection:
        loaded = load_tables(connection, night.model, run_id, [load])
        again = load_tables(connection, night.model, run_id, [replace(load, insert=_never)])
    assert loaded.is_done
    assert again.is_done
    assert done == [(0, 32768), (32768, 65536)]


@pytest.mark.parametrize(("batch_rows", "kept"), [(pace.BATCH_ROWS, []), (1, ["sat_order_line"])])
def test_few_rows_are_loaded_into_all_tables_in_one_transaction(
    night: Night, monkeypatch: pytest.MonkeyPatch, batch_rows: int, kept: list[str]
) -> None:
    """Of many, what was committed before a failure stays."""
    monkeypatch.setattr(pace, "BATCH_ROWS", batch_rows)
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    loads = [
        TableLoad("sat_order_line", "transactions", insert=lambda *_: 1),
        TableLoad("sat_order_details", "transactions", insert=_never),
    ]
    with night.connect() as connection, pytest.raises(AssertionError):
        load_tables(connection, night.model, run_id, loads)
    assert list(batches(night, run_id)) == kept
    assert night.rows("select distinct vault_table from metadata.vault_load") == [(table,) for table in kept]


def _never(*_arguments: Any) -> int:
    raise AssertionError("it is loaded already")
