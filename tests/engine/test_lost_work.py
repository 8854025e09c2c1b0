"""Killed anywhere and started again, a job does nothing twice; what is not the ledger's is taken back, or refused."""

import json
from pathlib import Path

import pytest

from functions.engine.vault_job import JOB_FILE, LedgerMovedError, record_job, write_job
from tests.support.csv_files import customers, transactions
from tests.support.lakehouse import SparkNight, contents_in_postgresql
from tests.support.night import Night
from tests.support.warm_night import WarmNight

FIRST = transactions({}, {"transaction_id": "T2", "customer_id": "C2"})
SECOND = transactions({"order_status": "returned"}, {"transaction_id": "T2", "customer_id": "C1"})


def _staged(night: Night, run_id: str) -> None:
    _, object_ids = night.plan(run_id)
    night.stage(run_id, object_ids)
    night.check(run_id, "staging")


@pytest.mark.timeout(600)
def test_a_job_that_was_killed_is_taken_up_where_it_stopped(
    warm: WarmNight, spark_night: SparkNight, tmp_path: Path
) -> None:
    warm.drop("transactions/dt=2024-01-01/a.csv", FIRST)
    warm.drop("transactions/dt=2024-01-02/b.csv", SECOND)  # what is remembered is added where files follow each other
    _staged(spark_night, "first")
    with spark_night.connect() as connection:
        assert write_job(connection, spark_night.model, "first", tmp_path)
    job = json.loads((tmp_path / JOB_FILE).read_text())
    killed_in = next(n for n, step in enumerate(job["steps"]) if step["name"].startswith("sat_order_details"))
    del job["steps"][killed_in + 1 :]
    del job["steps"][killed_in]["appends"][1:]  # after the first of its two tables
    (tmp_path / "killed.json").write_text(json.dumps(job))
    assert spark_night.worker is not None
    spark_night.worker.ask({"job": str(tmp_path / "killed.json")})
    before = spark_night.worker.ask({"history": ["hub_order", "sat_order_details", "record_tracking_satellite"]})
    spark_night.load_vault("first")
    after = spark_night.worker.ask({"history": ["hub_order", "sat_order_details", "record_tracking_satellite"]})
    spark_night.finish("first")
    warm.run("first")
    assert spark_night.contents() == contents_in_postgresql(warm)
    assert after["hub_order"] == before["hub_order"]
    assert [step for _, step in after["sat_order_details"]] == ["created", "sat_order_details from transactions"]
    steps = [step for _, step in after["record_tracking_satellite"]]
    assert len(steps) == len(set(steps)) == 4
    assert not {snapshot for snapshot, step in before["record_tracking_satellite"] if "details" in step} & {
        snapshot for snapshot, _ in after["record_tracking_satellite"]
    }


@pytest.mark.timeout(600)
def test_what_an_abandoned_run_has_left_in_the_tables_is_taken_back(warm: WarmNight, spark_night: SparkNight) -> None:
    warm.drop("transactions/dt=2024-01-02/a.csv", SECOND)
    for night in (warm, spark_night):
        _staged(night, "abandoned")
    assert spark_night.work("abandoned") is not None
    for night in (warm, spark_night):
        night.fail("abandoned")
    warm.drop("transactions/dt=2024-01-01/a.csv", FIRST)
    for night in (warm, spark_night):
        night.run("next")
    assert spark_night.contents() == contents_in_postgresql(warm)


@pytest.mark.timeout(600)
def test_a_table_that_somebody_has_changed_is_refused_until_that_is_undone(
    warm: WarmNight, spark_night: SparkNight
) -> None:
    assert spark_night.worker is not None
    warm.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1", "first_name": "Ann"}))
    for night in (warm, spark_night):
        night.run("first")
    ours = spark_night.worker.ask({"history": ["sat_customer_details"]})["sat_customer_details"][-1][0]
    spark_night.worker.ask({"sql": "delete from lake.raw_vault.sat_customer_details"})
    warm.drop("customers/dt=2024-01-02/a.csv", customers({"customer_id": "C1", "first_name": "Bea"}))
    with pytest.raises(RuntimeError, match="sat_customer_details was changed by something other than a load"):
        spark_night.run("second")
    assert len(spark_night.contents()["sat_customer_details"]) == 1  # readers follow the ledger, not the table's head
    spark_night.worker.ask({"roll_back": "sat_customer_details", "to": ours})
    spark_night.load_vault("second")
    spark_night.finish("second")
    warm.run("second")
    assert spark_night.contents() == contents_in_postgresql(warm)


def test_what_spark_did_for_another_state_of_the_ledger_is_not_recorded(night: Night, tmp_path: Path) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", FIRST)
    _staged(night, "first")
    with night.connect() as connection:
        assert write_job(connection, night.model, "first", tmp_path)
    with night.connect() as connection, pytest.raises(LedgerMovedError, match="resume the run"):
        record_job(connection, night.model, "first", {"steps": {}, "snapshots": {"hub_order": 1}})
    for table in ("vault_load", "vault_snapshot"):
        assert not night.rows(f"select from metadata.{table}")
