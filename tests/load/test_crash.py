"""A step cut off anywhere and tried again, or a run given up after any step, ends in the same vault and marts."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest

from functions.common.database import Connection
from functions.load.judge import judge_files
from functions.load.marts.publish import publish
from functions.load.plan.finish import finish
from functions.load.plan.plan import RunRequest, plan
from functions.load.plan.run_end import EndedExecution, record_end
from functions.load.staging import shared_partitions
from functions.load.staging.stage import stage
from functions.load.vault.hubs import load_hubs
from functions.load.vault.links import load_links
from functions.load.vault.satellites import load_satellites
from functions.quality.checks import check_staging, check_vault
from local.servers.postgres import PostgresServer
from tests.support.csv_files import customers, products, transactions
from tests.support.database import fresh_database
from tests.support.database_state import canonical
from tests.support.night import BUCKET, Night
from tests.support.sabotage import cut_at_every_statement

YESTERDAY = {
    "customers/dt=2024-01-01/a.csv": customers({"customer_id": "C1", "city": "Rome"}, {"customer_id": "C2"}),
    "transactions/dt=2024-01-01/a.csv": transactions({}, {"transaction_id": "T2", "customer_id": "C2"}),
}
TODAY = {
    "customers/dt=2024-01-02/a.csv": customers({"customer_id": "C1", "city": "Oslo"}, {"customer_id": ""}),
    "customers/dt=2024-01-02/broken.csv": f'{customers()}"C1\n',
    "customers/dt=2024-01-02/unreadable.csv": "first_name\nAnn\n",
    "products/dt=2024-01-02/a.csv": products({"product_id": "P1", "price": "2"}),
    "products/dt=2024-01-02/copy.csv": products({"product_id": "P1", "price": "2"}),
    "transactions/dt=2024-01-02/a.csv": transactions({"customer_id": "C2"}, {}, {}, {"line_number": "2"}),
}

type Step = Callable[[Connection], object]


@dataclass
class TwoNights:
    """The same landing zone, loaded into two databases: one left in peace, one disturbed."""

    peaceful: Night
    disturbed: Night


@pytest.fixture(params=[shared_partitions.SHARED_FROM, 2], ids=["few files", "many files"])
def nights(
    night: Night,
    postgres_server: PostgresServer,
    migrated_template: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[TwoNights]:
    """Files of many share partitions of staging."""
    monkeypatch.setattr(shared_partitions, "SHARED_FROM", request.param)
    with fresh_database(postgres_server, migrated_template) as url:
        both = TwoNights(night, Night(url, night.s3))
        for files in (YESTERDAY, TODAY):
            for key, content in files.items():
                night.drop(key, content)
            night.run()
            if files is YESTERDAY:
                both.disturbed.run()
        yield both


def steps(night: Night, run_id: str) -> Iterator[tuple[str, Step]]:
    """The steps of a run with their names, each to be executed until it succeeds before the next is asked for."""
    request = RunRequest(run_id, "arn", datetime.now(UTC))
    yield "plan", lambda connection: plan(connection, night.s3, BUCKET, night.model, request)
    ids = night.rows(f"select object_id from metadata.object_version where run_id = '{run_id}' order by object_id")
    for (object_id,) in ids:
        yield "stage", partial(stage, s3=night.s3, model=night.model, run_id=run_id, object_id=object_id)
    for step in (judge_files, check_staging, load_hubs, load_links, load_satellites, check_vault):
        yield step.__name__, partial(step, model=night.model, run_id=run_id)
    yield "publish", lambda connection: publish(connection, run_id)
    yield "finish", lambda connection: finish(connection, run_id)


def execute(night: Night, step: Step) -> object:
    with night.connect() as connection:
        return step(connection)


def test_a_step_cut_off_at_any_statement_and_tried_again_changes_nothing(nights: TwoNights) -> None:
    night = nights.disturbed
    cut = Counter[str]()
    for name, step in steps(night, "disturbed"):
        for _ in cut_at_every_statement(night.connect, step):
            cut[name] += 1
    assert set(cut) >= {"plan", "stage", "load_hubs", "load_links", "load_satellites", "publish", "finish"}
    assert sum(cut.values()) > 80, "each statement once"
    assert canonical(night) == canonical(nights.peaceful)
    assert reports(night) == reports(nights.peaceful)


def test_a_step_whose_answer_was_lost_and_that_is_tried_again_changes_nothing(nights: TwoNights) -> None:
    night = nights.disturbed
    for _, step in steps(night, "disturbed"):
        execute(night, step)
        execute(night, step)
    assert canonical(night) == canonical(nights.peaceful)
    assert reports(night) == reports(nights.peaceful)


@pytest.mark.parametrize("staging_lost", [False, True], ids=["run died", "server crashed"])
def test_runs_given_up_after_any_step_end_in_the_same_vault(nights: TwoNights, staging_lost: bool) -> None:
    """Run 1 dies after its first step, run 2 after its second, and so on; a crash of the server empties staging."""
    night = nights.disturbed
    for survived in range(1, 20):
        run_id = f"run-{survived}"
        done = []
        for name, step in steps(night, run_id):
            execute(night, step)
            done.append(name)
            if len(done) == survived:
                break
        if done[-1] == "finish":
            break
        with psycopg.connect(night.admin_url) as connection:
            now = datetime.now(UTC)
            record_end(connection, EndedExecution(run_id, "arn", "ABORTED", now, now, None, None))
            if staging_lost:
                connection.execute("truncate staging.customers, staging.products, staging.transactions")
    assert canonical(night) == canonical(nights.peaceful)
    assert night.rows("select count(*) from metadata.object_version where status in ('PLANNED', 'STAGED')") == [(0,)]
    assert night.rows("select count(*) from metadata.quarantine") == [(2,)]


def reports(night: Night) -> list[tuple[Any, ...]]:
    """What the ledger says of every file."""
    return night.rows(
        "select object_key, status, rows_read, rows_loaded, rows_unchanged, rows_duplicate, rows_quarantined"
        " from metadata.object_version order by object_key"
    )


def test_a_statement_that_runs_on_after_its_function_has_ended_is_waited_for(night: Night) -> None:
    """`Sandbox.Timedout`: Lambda ends the process, PostgreSQL notices when it answers; until then its locks stay."""
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1"}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    ended = night.connect()
    ended.execute("select from metadata.lock where name = 'hub_customer' for update")
    ended.execute(
        "insert into metadata.vault_load (object_id, vault_table, run_id)"
        " select object_id, 'hub_customer', run_id from metadata.object_version"
    )
    ended.pgconn.send_query(b"select pg_sleep(2)")
    while ended.pgconn.flush():
        pass
    ended.pgconn.finish()
    began = time.monotonic()
    assert night.load_vault(run_id)["hub_customer"] == 1, "what it had noted as loaded is rolled back"
    assert time.monotonic() - began > 1


def test_a_table_that_is_missing_is_named(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("alter table raw_vault.sat_order_details rename to sat_order_details_away")
    try:
        with pytest.raises(psycopg.errors.UndefinedTable, match="sat_order_details"):
            night.load_vault(run_id)
    finally:
        with psycopg.connect(night.admin_url) as connection:
            connection.execute("alter table raw_vault.sat_order_details_away rename to sat_order_details")
