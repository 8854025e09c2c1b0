"""Maintenance of the Iceberg tables: described from the ledger, done by spark_maintenance.py, recorded in the ledger.

Each night appends files to every table, and a snapshot for each step. Many small files make every later night slower,
and snapshots keep what compaction has replaced. What readers may still ask for is kept: the snapshots that were in
force at any time of the last days. A compaction that was not recorded is taken back by the next load.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from functions.common.database import Connection
from functions.common.ledger import active_run, lock
from functions.engine.vault_job import JOB_FILE, LedgerMovedError, recorded_snapshots
from functions.load.recorded_step import recorded_step

KIND = STEP = "maintenance"
DUE_AFTER = 5
"""So many runs have written tables since the last maintenance: after fewer, no table has enough small files."""
KEPT = timedelta(days=7)
ORPHAN_HOURS = 72
"""So old is a file that no snapshot names before it is deleted: more than any job may take."""
COMPACTION = {"min-input-files": "5", "target-file-size-bytes": str(256 << 20)}
"""Iceberg's rewrite_data_files: a table of fewer small files in a partition is left alone."""

_RECORDED = """select vault_table, snapshot_id
from (
    select vault_table, snapshot_id, lead(recorded_at) over (partition by vault_table order by place) as replaced_at
    from metadata.vault_snapshot
) as recorded
where replaced_at is null or replaced_at >= now() - %s
order by vault_table, snapshot_id"""

_RUNS_SINCE = """select count(distinct run_id)
from metadata.vault_snapshot
where recorded_at > coalesce((select max(finished_at) from metadata.load_step where step = %s), '-infinity')"""


def is_due(connection: Connection) -> bool:
    """Whether DUE_AFTER runs have written tables since maintenance was last recorded."""
    row = connection.execute(_RUNS_SINCE, (STEP,)).fetchone()
    return row is not None and row[0] >= DUE_AFTER


def write_maintenance(
    connection: Connection,
    run_id: str,
    folder: Path,
    *,
    kept: timedelta = KEPT,
    compaction: dict[str, str] | None = None,
    orphan_hours: int = ORPHAN_HOURS,
) -> bool:
    """Write what is to be maintained into `folder`, which Spark must reach; whether there is any table.

    Snapshots that were in force within the time `kept` stay. Raises RunNotActiveError.
    """
    with connection.transaction():
        active_run(connection, run_id)
        last = recorded_snapshots(connection)
        rows = connection.execute(_RECORDED, (kept,)).fetchall()
    tables = [
        {"name": name, "recorded": snapshot, "kept": [each for table, each in rows if table == name]}
        for name, snapshot in last.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    job = {
        "kind": KIND,
        "run_id": run_id,
        "tables": tables,
        "compaction": compaction or COMPACTION,
        "orphan_hours": orphan_hours,
    }
    (folder / JOB_FILE).write_text(json.dumps(job, indent=1), encoding="utf-8")
    return bool(tables)


def record_maintenance(connection: Connection, run_id: str, job: dict[str, Any], result: dict[str, Any]) -> list[str]:
    """Record the compacted tables' snapshots in the ledger, where readers and the next load begin; the tables' names.

    Again: changes nothing. Raises RunNotActiveError, and LedgerMovedError when another run has recorded one meanwhile.
    """
    before = {table["name"]: table["recorded"] for table in job["tables"]}
    compacted = {name: done["snapshot"] for name, done in result["tables"].items() if done["snapshot"] != before[name]}
    with connection.transaction():
        active_run(connection, run_id)
        recorded = connection.execute("select from metadata.load_step where run_id = %s and step = %s", (run_id, STEP))
        if recorded.rowcount:
            return sorted(compacted)
        for name in sorted(compacted):
            lock(connection, name)
        now = recorded_snapshots(connection)
        for name, snapshot in compacted.items():
            if now[name] != before[name]:
                raise LedgerMovedError("the table was loaded while it was compacted", table=name, run_id=run_id)
            connection.execute(
                "insert into metadata.vault_snapshot (vault_table, snapshot_id, run_id) values (%s, %s, %s)",
                (name, snapshot, run_id),
            )
        with recorded_step(connection, run_id, STEP) as step:
            step.rows = len(compacted)
    return sorted(compacted)
