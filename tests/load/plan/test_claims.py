"""Runs beside and after each other: each object is loaded by one run, and a run that has ended does nothing more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest

from functions.common.errors import DataError
from functions.common.ledger import RunNotActiveError, active_run
from functions.load.plan.ledger import reopen
from functions.load.plan.run_end import EndedExecution, record_end
from functions.load.vault.table_load import StagingLostError
from tests.support.csv_files import customers
from tests.support.database_state import everything, published
from tests.support.night import Night


def drop_customers(night: Night, count: int) -> None:
    for number in range(count):
        night.drop(f"customers/dt=2024-01-01/{number}.csv", customers({"customer_id": f"C{number}"}))


def end(night: Night, run_id: str, status: str = "FAILED") -> bool:
    now = datetime.now(UTC)
    with night.connect() as connection:
        return record_end(connection, EndedExecution(run_id, "arn:of-the-end", status, now, now, "Boom", "it broke"))


def test_two_plans_at_once_claim_each_object_once(night: Night) -> None:
    drop_customers(night, 8)
    for round_number in range(3):
        with ThreadPoolExecutor(2) as pool:
            (_, first), (_, second) = pool.map(night.plan, [f"a{round_number}", f"b{round_number}"])
        assert not set(first) & set(second)
        assert len(first) + len(second) == 8
        end(night, f"a{round_number}")
        end(night, f"b{round_number}")


def test_planning_twice_claims_nothing_twice(night: Night) -> None:
    drop_customers(night, 3)
    first = night.plan("run-1")
    assert night.plan("run-1") == first
    assert night.plan("run-2") == ("run-2", [])
    assert night.rows("select count(*) from metadata.load_run") == [(2,)]


def test_two_runs_at_once_load_everything_once(night: Night) -> None:
    """Both name the same customer, in their own files."""
    shared = {"customer_id": "shared", "first_name": "x"}
    night.drop("customers/dt=2024-01-01/a.csv", customers(shared, {"customer_id": "C1"}))
    first, its_objects = night.plan()
    night.drop("customers/dt=2024-01-02/b.csv", customers(shared, {"customer_id": "C2"}))
    second, other_objects = night.plan()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda each: night.stage(*each), [(first, its_objects), (second, other_objects)]))
        list(pool.map(night.load_vault, [first, second]))
        list(pool.map(lambda run_id: night.check(run_id, "vault"), [first, second]))
        list(pool.map(night.publish, [first, second]))
        reports = list(pool.map(night.finish, [first, second]))
    assert [row[0] for row in published(night).customers] == ["C1", "C2", "shared"]
    assert sum(report["totals"]["loaded"] + report["totals"]["unchanged"] for report in reports) == 4
    assert night.rows("select count(*) from staging.customers") == [(0,)]


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_what_an_ended_run_left_behind_is_taken_over_by_the_next(night: Night, status: str) -> None:
    drop_customers(night, 3)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids[:1])
    end(night, run_id, status)
    report = night.run()
    assert [(file["status"], file["loaded"]) for file in report["files"]] == [("LOADED", 1)] * 3


def test_what_a_running_run_holds_is_left_to_it_until_it_must_be_dead(night: Night) -> None:
    drop_customers(night, 2)
    night.plan("hanging")
    assert night.run()["files"] == []
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("update metadata.load_run set started_at = now() - interval '421 minutes'")
    assert len(night.run()["files"]) == 2


STEPS: dict[str, Callable[[Night, str, list[int]], object]] = {
    "stage": lambda night, run_id, object_ids: night.stage(run_id, object_ids),
    "check staging": lambda night, run_id, _: night.check(run_id, "staging"),
    "vault": lambda night, run_id, _: night.load_vault(run_id),
    "check vault": lambda night, run_id, _: night.check(run_id, "vault"),
    "publish": lambda night, run_id, _: night.publish(run_id),
    "finish": lambda night, run_id, _: night.finish(run_id),
}


def test_no_step_of_an_ended_run_does_anything(night: Night) -> None:
    drop_customers(night, 2)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    end(night, run_id)
    before = everything(night)
    for step in STEPS.values():
        with pytest.raises(RunNotActiveError):
            step(night, run_id, object_ids)
    assert everything(night) == before
    night.run()
    loaded = everything(night)
    for step in STEPS.values():
        with pytest.raises(RunNotActiveError):
            step(night, run_id, object_ids)
    assert everything(night) == loaded != before


def test_no_step_of_a_run_that_was_never_planned_does_anything(night: Night) -> None:
    for step in STEPS.values():
        with pytest.raises(RunNotActiveError):
            step(night, "unheard-of", [1])


def test_a_run_does_not_stage_what_another_has_taken_over(night: Night) -> None:
    drop_customers(night, 1)
    run_id, object_ids = night.plan("slow")
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("update metadata.load_run set started_at = now() - interval '8 hours'")
    night.run()
    with pytest.raises(RunNotActiveError, match="not active"):
        night.stage(run_id, object_ids)


def test_only_the_files_asked_for_are_loaded(night: Night) -> None:
    drop_customers(night, 3)
    night.drop("customers/dt=2024-01-01/1.csv", customers({"customer_id": "overwritten"}))
    report = night.run(files=("landing/customers/dt=2024-01-01/1.csv",))
    assert [file["key"] for file in report["files"]] == ["landing/customers/dt=2024-01-01/1.csv"] * 2
    assert len(night.run()["files"]) == 2


@pytest.mark.parametrize(
    "key", ["landing/customers/dt=2024-01-01/missing.csv", "landing/shops/a.csv", "customers/0.csv"]
)
def test_a_file_that_is_not_there_is_named(night: Night, key: str) -> None:
    drop_customers(night, 1)
    night.drop("shops/a.csv", "shop_id\n1\n")
    with pytest.raises(DataError, match=key):
        night.plan("run-1", files=("landing/customers/dt=2024-01-01/0.csv", key))
    assert night.rows("select count(*) from metadata.object_version") == [(0,)]


def test_the_end_of_a_run_is_recorded_once(night: Night) -> None:
    drop_customers(night, 1)
    run_id, _ = night.plan()
    assert end(night, run_id, "TIMED_OUT")
    assert not end(night, run_id, "FAILED")
    shown = night.rows("select status, error, cause, finished_at is not null, execution_arn from metadata.load_run")
    assert shown == [("TIMED_OUT", "Boom", "it broke", True, "arn:aws:states:test")]


def test_the_end_of_a_run_that_succeeded_is_never_overwritten(night: Night) -> None:
    drop_customers(night, 1)
    report = night.run()
    assert not end(night, report["run_id"])
    assert night.rows("select status, error from metadata.load_run") == [("SUCCEEDED", None)]


def test_the_end_of_a_run_that_never_came_to_be_planned_is_recorded(night: Night) -> None:
    assert end(night, "stillborn")
    assert night.rows("select run_id, status from metadata.load_run") == [("stillborn", "FAILED")]
    with pytest.raises(RunNotActiveError):
        night.finish("stillborn")


def test_a_report_can_be_had_again_after_success(night: Night) -> None:
    drop_customers(night, 2)
    report = night.run()
    assert night.finish(report["run_id"]) == report


def test_rows_that_the_server_lost_after_they_were_staged_are_staged_again_by_the_next_run(night: Night) -> None:
    """What is noted as loaded is never looked at again, so a step that finds rows missing notes nothing."""
    drop_customers(night, 2)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.check(run_id, "staging")
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("truncate staging.customers")
    with pytest.raises(StagingLostError, match=r"disk is full.* resume"):
        night.load_vault(run_id)
    end(night, run_id)
    assert [(file["status"], file["loaded"]) for file in night.run()["files"]] == [("LOADED", 1)] * 2


def test_a_redriven_run_goes_on_where_it_failed_and_only_once_for_each_time(night: Night) -> None:
    drop_customers(night, 2)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    end(night, run_id)
    with pytest.raises(RunNotActiveError):
        night.load_vault(run_id)
    with night.connect() as connection:
        reopen(connection, run_id, 1)
    night.load_vault(run_id)
    night.check(run_id, "vault")
    end(night, run_id)
    with night.connect() as connection:
        reopen(connection, run_id, 1)  # a late retry of the first time
        with pytest.raises(RunNotActiveError):
            active_run(connection, run_id)
        reopen(connection, run_id, 2)
    night.publish(run_id)
    assert night.finish(run_id)["status"] == "SUCCEEDED"
    assert [row[0] for row in published(night).customers] == ["C0", "C1"]


def test_a_redriven_run_leaves_to_the_next_one_what_that_has_taken_over(night: Night) -> None:
    drop_customers(night, 2)
    run_id, _ = night.plan()
    end(night, run_id)
    assert len(night.run()["files"]) == 2
    with night.connect() as connection:
        reopen(connection, run_id, 1)
    night.load_vault(run_id)
    night.publish(run_id)
    assert night.finish(run_id)["files"] == []
