"""A run's load of the vault on Iceberg tables: described from the ledger, done by Spark, recorded in the ledger.

The ledger in PostgreSQL stays the one authority on what is loaded. It is asked by the statements that the load into
PostgreSQL uses, in a transaction that is rolled back; it is told, by the same ones, when Spark has committed. Whoever
is killed between the two starts again from here: Spark finds the snapshots of the same run, step and objects.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import C360Error
from functions.common.ledger import Run, active_run, lock, objects_of
from functions.engine.copied_rows import typed_rows, write_copied_rows
from functions.engine.json_rows import write_json_rows
from functions.load.retraction import retract_objects
from functions.load.vault.hubs import hub_loads
from functions.load.vault.links import link_loads
from functions.load.vault.satellites import satellite_loads
from functions.load.vault.status import changes_nothing, reach_of
from functions.load.vault.table_load import Batch, TableLoad, check_staging_is_there, claim
from functions.model.declaration import Model
from functions.model.render.spark.ddl import NAMESPACE, render_zero_key, tables
from functions.model.render.spark.names import TRACKING
from functions.model.render.spark.staging import (
    render_hashed,
    render_repeated,
    render_several,
    render_staged,
    written_schema,
)
from functions.model.render.spark.status import render_status, render_status_views
from functions.model.render.spark.vault import (
    FILES_LIMIT,
    render_first_named,
    render_named,
    render_remembered,
    render_satellite,
    render_satellite_views,
)

JOB_FILE = "job.json"

_KEPT = {
    **dict.fromkeys(("named", "affected_key", "sequenced", "first_observed", "present"), "files"),
    **dict.fromkeys(("counted", "list"), "driver"),
}
"""The views that a step reads several times, which Spark so computes once, and where it keeps them."""


class EngineLimitError(C360Error):
    """More than Spark's load can take."""


class LedgerMovedError(C360Error):
    """While Spark worked, somebody else loaded the same objects; nothing was recorded."""


@dataclass(frozen=True)
class Step:
    """One table's load from one source."""

    load: TableLoad
    batch: Batch
    is_idle: bool
    """Whether it is known to add nothing."""

    @property
    def name(self) -> str:
        return f"{self.load.table} from {self.load.source}"


def write_job(connection: Connection, model: Model, run_id: str, folder: Path) -> bool:
    """Write what is left of the run's load, and the rows that it reads, into `folder`, which Spark must reach.

    Returns whether anything is left. Raises RunNotActiveError, StagingLostError, and EngineLimitError.
    """
    with connection.transaction():
        retract_objects(connection, run_id)
    run = active_run(connection, run_id)
    steps = _claimed_steps(connection, model, run, is_dry=True)
    if not steps:
        return False
    last = max((each for step in steps for each in step.batch.object_ids), default=0)
    if last >= FILES_LIMIT:
        raise EngineLimitError(f"Spark's load counts files up to {FILES_LIMIT:,}", object_id=last)
    folder.mkdir(parents=True, exist_ok=True)
    staged = {
        source: _stage(connection, model, source, steps, folder) for source in {each.load.source for each in steps}
    }
    job = {
        "run_id": run.run_id,
        "loaded_at": run.loaded_at.isoformat(),
        "namespace": NAMESPACE,
        "tables": [
            {
                "name": name,
                "statement": statement,
                "first_rows": render_zero_key(model, name) if name in model.hubs else None,
            }
            for name, statement in tables(model)
        ],
        "bases": recorded_snapshots(connection),
        "scratch": str(folder),
        "staged": staged,
        "ledger": list(_ledger_views(connection, steps, folder)),
        "steps": [_rendered(connection, model, step) for step in steps if not step.is_idle],
    }
    (folder / JOB_FILE).write_text(json.dumps(job, indent=1), encoding="utf-8")
    return True


def record_job(connection: Connection, model: Model, run_id: str, result: dict[str, Any]) -> dict[str, int]:
    """Record in the ledger what Spark has committed, in one transaction; new rows by table.

    Raises RunNotActiveError, and LedgerMovedError when the ledger no longer says what the job was written from.
    """
    with connection.transaction():
        run = active_run(connection, run_id)
        steps = _claimed_steps(connection, model, run, is_dry=False)
        if [step.name for step in steps if not step.is_idle] != list(result["steps"]):
            raise LedgerMovedError("the ledger has changed since Spark began: resume the run", run_id=run_id)
        inserted: dict[str, int] = {}
        for step in steps:
            done = result["steps"].get(step.name, {"rows": 0, "seconds": 0})
            connection.execute(
                "insert into metadata.load_step (run_id, step, started_at, finished_at, rows)"
                " values (%s, %s, clock_timestamp() - %s * interval '1 second', clock_timestamp(), %s)",
                (run_id, step.load.table, done["seconds"], done["rows"]),
            )
            inserted[step.load.table] = inserted.get(step.load.table, 0) + done["rows"]
        for table, snapshot_id in result["snapshots"].items():
            connection.execute(
                "insert into metadata.vault_snapshot (vault_table, snapshot_id, run_id) values (%s, %s, %s)",
                (table, snapshot_id, run_id),
            )
    return inserted


def _claimed_steps(connection: Connection, model: Model, run: Run, *, is_dry: bool) -> list[Step]:
    """What each table does not hold yet, in the order in which tables are loaded; noted as held unless `is_dry`."""
    staged = objects_of(connection, run.run_id, ["STAGED"])
    check_staging_is_there(connection, model, staged)
    steps = []
    with connection.transaction(force_rollback=is_dry):
        for load in _loads(model):
            if not load.is_needed(connection):
                continue
            lock(connection, load.table)
            batch = claim(connection, run, load, staged)
            if batch is not None:
                steps.append(Step(load, batch, _is_idle(connection, model, load.table, batch)))
    return steps


def _is_idle(connection: Connection, model: Model, table: str, batch: Batch) -> bool:
    satellite = model.satellites.get(table)
    if satellite is None or satellite.status_of is None:
        return False
    return changes_nothing(model, table, batch, reach_of(connection, batch))


def _loads(model: Model) -> Iterator[TableLoad]:
    yield from hub_loads(model)
    yield from link_loads(model)
    yield from satellite_loads(model)


def _rendered(connection: Connection, model: Model, step: Step) -> dict[str, Any]:
    table, batch = step.load.table, step.batch
    is_one_file = len(batch.object_ids) == 1
    is_first = batch.is_first and not batch.is_late
    appends = {}
    if table in model.hubs or table in model.links:
        views = {"named": render_named(model, table, step.load.source, is_one_file=is_one_file)}
        appends[table] = render_first_named(model, table, is_first=is_first)
    elif model.satellites[table].status_of is not None:
        views = render_status_views(model, table, reach_of(connection, batch), is_one_file=is_one_file)
        appends[table] = render_status(model, table)
    else:
        views = render_satellite_views(model, table, is_late=batch.is_late, is_first=is_first, is_one_file=is_one_file)
        if not (is_first and is_one_file):
            appends[TRACKING] = render_remembered(table)
        appends[table] = render_satellite(model, table, is_late=batch.is_late)
    is_read_once = is_first and len(appends) == 1
    return {
        "name": step.name,
        "source": step.load.source,
        "object_ids": batch.object_ids,
        "retracted": batch.retracted,
        "since": batch.since.isoformat(),
        "views": [
            {"name": name, "statement": view, "kept": None if is_read_once else _KEPT.get(name)}
            for name, view in views.items()
        ],
        "appends": [{"table": name, "statement": statement} for name, statement in appends.items()],
    }


def _stage(connection: Connection, model: Model, source: str, steps: list[Step], folder: Path) -> dict[str, Any]:
    """Write the typed rows of the source's objects."""
    object_ids = sorted({each for step in steps if step.load.source == source for each in step.batch.object_ids})
    path = folder / f"typed_{source}.txt"
    is_escaped = write_copied_rows(connection, typed_rows(model, source, object_ids), path)
    return {
        "path": str(path),
        "schema": written_schema(model, source),
        "object_ids": object_ids,
        "hashed": render_hashed(model, source, is_escaped=is_escaped),
        "several": render_several(model, source),
        "repeated": render_repeated(model, source),
        "staged": render_staged(model, source, is_repeated=True),
        "staged_once": render_staged(model, source, is_repeated=False),
    }


def recorded_snapshots(connection: Connection) -> dict[str, int]:
    """The snapshot of each table that the last run to write it has recorded."""
    rows = connection.execute(
        "select distinct on (vault_table) vault_table, snapshot_id from metadata.vault_snapshot"
        " order by vault_table, place desc"
    )
    return dict(rows.fetchall())


_OBJECT_POSITION = """select p.object_id, p.source, p.effective_at, p.position, o.is_snapshot
from metadata.object_position as p
join metadata.object_version as o using (object_id)
where p.source = any({sources})"""

_HELD = """select vault_table, object_id from metadata.vault_load where vault_table = any({tracked})
union
select h.vault_table, h.object_id from jsonb_to_recordset({claimed}) as h (vault_table text, object_id bigint)"""

_UNREAD_KEY = """select u.object_id, encode(u.hash_key, 'base64') as hash_key
from metadata.unread_key as u
join metadata.object_version as o using (object_id)
where u.hash_key is not null and o.source = any({sources}) and o.effective_at >= {since}"""


def _ledger_views(connection: Connection, steps: list[Step], folder: Path) -> Iterator[dict[str, str]]:
    """Write what the statements ask of the ledger."""
    sources = sql.Literal(sorted({step.load.source for step in steps}))
    tracked = {step.load.history_of for step in steps if step.load.history_of not in (None, step.load.table)}
    claimed = [
        {"vault_table": step.load.table, "object_id": object_id}
        for step in steps
        if step.load.table in tracked
        for object_id in step.batch.object_ids
    ]
    since = min(step.batch.since for step in steps)
    views = {
        "object_position": (
            sql.SQL(_OBJECT_POSITION).format(sources=sources),
            "object_id bigint, source string, effective_at timestamp, position bigint, is_snapshot boolean",
        ),
        "held": (
            sql.SQL(_HELD).format(
                tracked=sql.Literal(sorted(filter(None, tracked))), claimed=sql.Literal(json.dumps(claimed))
            ),
            "vault_table string, object_id bigint",
        ),
        "unread_key": (
            sql.SQL(_UNREAD_KEY).format(sources=sources, since=sql.Literal(since)),
            "object_id bigint, hash_key binary",
        ),
    }
    for name, (query, schema) in views.items():
        path = folder / f"{name}.json"
        write_json_rows(connection, query, path)
        yield {"name": name, "path": str(path), "schema": schema}
