"""Maintenance changes nothing that a reader sees: rows stay the same, and so do the snapshots of the last days."""

import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from functions.common.vault_engine import record_engine
from functions.engine.maintenance import DUE_AFTER, record_maintenance, write_maintenance
from functions.engine.stored_job import RESULT_FILE, Folder
from functions.engine.vault_job import JOB_FILE
from tests.support.csv_files import customers
from tests.support.lakehouse import ServedNight, SparkNight, contents_in_postgresql, tables
from tests.support.warm_night import WarmNight

TABLE = "sat_customer_details"


def maintain(night: SparkNight, run_id: str, folder: Path, kept: timedelta) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was to be done, and what Spark has done of it."""
    assert night.worker is not None
    with night.connect() as connection:
        assert write_maintenance(connection, run_id, folder, kept=kept, compaction={"min-input-files": "2"})
    result: dict[str, Any] = night.worker.ask({"folder": str(folder)})
    return json.loads((folder / JOB_FILE).read_text()), result


@pytest.fixture
def own_night(spark_night: SparkNight) -> Iterator[SparkNight]:
    """A night whose tables are gone afterwards: what has lost its first snapshot is no empty table for another test."""
    yield spark_night
    assert spark_night.worker is not None
    for table in tables(spark_night.model):
        spark_night.worker.ask({"sql": f"drop table if exists lake.raw_vault.{table} purge"})


@pytest.mark.timeout(600)
def test_maintenance_keeps_every_row_and_the_snapshots_that_readers_may_ask_for(
    warm: WarmNight, own_night: SparkNight, tmp_path: Path
) -> None:
    assert own_night.worker is not None
    names = ["Ann", "Bea", "Cia", "Dot", "Eve"]
    for day, name in enumerate(names[:3], start=1):
        warm.drop(f"customers/dt=2024-01-0{day}/a.csv", customers({"customer_id": "C1", "first_name": name}))
        for night in (warm, own_night):
            night.run(f"night {day}")
    recorded = [row[0] for row in own_night.rows(
        f"select snapshot_id from metadata.vault_snapshot where vault_table = '{TABLE}' order by place"
    )]  # fmt: skip

    # as a run that ends after Spark's part, and before the ledger knows of it
    warm.drop("customers/dt=2024-01-04/a.csv", customers({"customer_id": "C1", "first_name": names[3]}))
    own_night.plan("night 4")
    maintain(own_night, "night 4", tmp_path / "lost", timedelta(days=7))
    assert own_night.worker.ask({"dump": {TABLE: recorded[0]}})
    own_night.fail("night 4")
    for night in (warm, own_night):
        night.run("night 5")
    assert own_night.contents() == contents_in_postgresql(warm)
    steps = [step for _, step in own_night.worker.ask({"history": [TABLE]})[TABLE]]
    assert "maintenance" not in steps

    warm.drop("customers/dt=2024-01-05/a.csv", customers({"customer_id": "C1", "first_name": names[4]}))
    own_night.plan("night 6")
    warehouse = own_night.folder.parent / "warehouse" / "raw_vault" / TABLE / "data"
    lost, new = warehouse / "lost.parquet", warehouse / "new.parquet"
    for file in (lost, new):
        file.write_bytes(b"what a killed job has left")
    os.utime(lost, (time.time() - 4 * 86_400,) * 2)
    job, result = maintain(own_night, "night 6", tmp_path / "done", timedelta(0))
    before, after = result["tables"][TABLE]["files"]
    assert before == 4
    assert after == 1
    assert result["tables"][TABLE]["orphans"] == 1
    assert (lost.exists(), new.exists()) == (False, True), "a job under way may yet commit the new one"
    with own_night.connect() as connection:
        assert TABLE in record_maintenance(connection, "night 6", job, result)
        assert TABLE in record_maintenance(connection, "night 6", job, result), "once, however often it is tried"
    assert own_night.contents() == contents_in_postgresql(warm)
    with pytest.raises(RuntimeError, match="snapshot"):
        own_night.worker.ask({"dump": {TABLE: recorded[0]}})
    own_night.fail("night 6")
    for night in (warm, own_night):
        night.run("night 7")
    assert own_night.contents() == contents_in_postgresql(warm)


@pytest.mark.timeout(600)
def test_a_night_maintains_the_tables_when_it_is_due(served_night: ServedNight) -> None:
    """As the state machine has it: between publication and the end of the run."""
    for number in range(1, DUE_AFTER + 1):
        with psycopg.connect(served_night.admin_url) as connection:  # as of a night that Spark has loaded
            connection.execute(
                "insert into metadata.load_run (run_id, execution_arn, status, started_at)"
                " values (%s, '', 'SUCCEEDED', now())",
                (f"night-{number}",),
            )
            connection.execute(
                "insert into metadata.vault_snapshot (vault_table, snapshot_id, run_id) values ('hub_order', %s, %s)",
                (number, f"night-{number}"),
            )
            record_engine(connection, "spark")
        served_night.plan(f"asks-{number}")
        written = served_night.ask({"step": "write_maintenance", "run_id": f"asks-{number}"})
        assert written["is_needed"] is (number == DUE_AFTER)
        if number < DUE_AFTER:
            served_night.fail(f"asks-{number}")
    run_id = f"asks-{DUE_AFTER}"
    folder = Folder(served_night.s3, written["job"])
    assert {table["name"] for table in folder.read(JOB_FILE)["tables"]} == {"hub_order"}
    folder.write(RESULT_FILE, {"tables": {"hub_order": {"snapshot": 99, "files": [5, 1], "expired": 4, "orphans": 0}}})
    event = {"step": "record_maintenance", "run_id": run_id, "job": written["job"]}
    assert served_night.ask(event) == {"compacted": ["hub_order"]}
    assert served_night.rows("select snapshot_id from metadata.vault_snapshot order by place desc limit 1") == [(99,)]
    assert not served_night.ask({"step": "write_maintenance", "run_id": run_id})["is_needed"], "not twice"
