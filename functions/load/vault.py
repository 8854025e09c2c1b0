"""Load the raw vault from staging: hubs first, then links and satellites. Set-based statements, no row loop."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from psycopg import sql

from functions.common.database import Connection
from functions.load.ledger import Run, active_run, objects_of, recorded_step
from functions.load.model import Model
from functions.load.render_vault import render_hub, render_link, render_satellite, render_status

_WORK_MEM = "64MB"


@dataclass(frozen=True)
class _TableLoad:
    """How rows of `source` get into `table` of the raw vault."""

    table: str
    source: str
    statement: sql.Composed


def load_hubs(connection: Connection, model: Model, run_id: str) -> dict[str, int]:
    """Insert the business keys of the run's staged rows; return new rows by hub. Again: inserts nothing.

    Sources go in the order the model lists them: what describes a key comes before what only names it.
    """
    # here, as it locks a table that links and satellites write at the same time
    connection.execute(
        "select raw_vault.open_tracking_month(effective_at) from metadata.object_version"
        " where run_id = %s and status = 'STAGED'",
        (run_id,),
    )
    return _load(
        connection,
        run_id,
        (
            _TableLoad(name, source, render_hub(model, name, source))
            for name, hub in model.hubs.items()
            for source in hub.sources
        ),
    )


def load_links(connection: Connection, model: Model, run_id: str) -> dict[str, int]:
    """Insert the relationships of the run's staged rows, and which of them are in force; return new rows by table.

    Again: inserts nothing.
    """
    return _load(connection, run_id, _links_and_effectivity(model))


def load_satellites(connection: Connection, model: Model, run_id: str) -> dict[str, int]:
    """Insert the versions of the run's staged rows and what complete lists lack; return new rows by satellite.

    Again: inserts nothing.
    """
    return _load(connection, run_id, _details_and_status(connection, model))


def _links_and_effectivity(model: Model) -> Iterator[_TableLoad]:
    for name, link in model.links.items():
        yield _TableLoad(name, link.source, render_link(model, name))
    for name, satellite in model.satellites.items():
        if satellite.driving_key is not None:
            yield _TableLoad(name, satellite.source, render_satellite(model, name))


def _details_and_status(connection: Connection, model: Model) -> Iterator[_TableLoad]:
    for name, satellite in model.satellites.items():
        if satellite.driving_key is None and satellite.status_of is None:
            yield _TableLoad(name, satellite.source, render_satellite(model, name))
    for name, satellite in model.satellites.items():
        if satellite.status_of is not None and _has_snapshots(connection, satellite.source):
            yield _TableLoad(name, satellite.source, render_status(model, name))


def _has_snapshots(connection: Connection, source: str) -> bool:
    found = connection.execute(
        "select exists (select from metadata.object_version"
        " where source = %s and is_snapshot and status in ('STAGED', 'LOADED'))",
        (source,),
    ).fetchone()
    return found == (True,)


def _load(connection: Connection, run_id: str, loads: Iterable[_TableLoad]) -> dict[str, int]:
    run = active_run(connection, run_id)
    staged = objects_of(connection, run_id, ["STAGED"])
    # sorts and hashes of a night fit in memory
    connection.execute(sql.SQL("set local work_mem = {}").format(_WORK_MEM))
    inserted: dict[str, int] = {}
    for load in loads:
        # two runs that load the same keys would not see each other's rows
        connection.execute("select pg_advisory_xact_lock(hashtext('raw_vault'), hashtext(%s))", (load.table,))
        inserted[load.table] = inserted.get(load.table, 0) + _load_table(connection, run, load, staged)
    return inserted


def _load_table(connection: Connection, run: Run, load: _TableLoad, staged: list[int]) -> int:
    """Load the objects that the table does not hold yet, and say so in the ledger."""
    pending = connection.execute(
        "insert into metadata.vault_load (object_id, vault_table, run_id)"
        " select object_id, %(table)s, %(run_id)s from metadata.object_version"
        " where object_id = any(%(staged)s) and source = %(source)s"
        " on conflict do nothing returning object_id",
        {"table": load.table, "run_id": run.run_id, "staged": staged, "source": load.source},
    ).fetchall()
    if not pending:
        return 0
    object_ids = [row[0] for row in pending]
    since = connection.execute(
        "select min(effective_at) from metadata.object_version where object_id = any(%s)", (object_ids,)
    ).fetchone()
    with recorded_step(connection, run.run_id, load.table) as step:
        step.rows = connection.execute(
            load.statement, {"object_ids": object_ids, "loaded_at": run.loaded_at, "since": since and since[0]}
        ).rowcount
    return step.rows
