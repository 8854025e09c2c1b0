"""Load the raw vault from staging: hubs first, then links and satellites. Set-based statements, no row loop."""

from collections.abc import Iterator

from psycopg import sql

from functions.common.database import Connection
from functions.load.ledger import active_run, objects_of, recorded_step
from functions.load.model import Model
from functions.load.render_load import render_hub, render_link, render_satellite

_WORK_MEM = "64MB"


def load_hubs(connection: Connection, model: Model, run_id: str) -> dict[str, int]:
    """Insert the business keys of the run's staged rows; return new rows by hub. Again: inserts nothing.

    Sources go in the order the model lists them: what describes a key comes before what only names it.
    """
    return _load(
        connection,
        run_id,
        ((name, render_hub(model, name, source)) for name, hub in model.hubs.items() for source in hub.sources),
    )


def load_links(connection: Connection, model: Model, run_id: str) -> dict[str, int]:
    """Insert the relationships of the run's staged rows, and which of them are in force; return new rows by table.

    Again: inserts nothing.
    """
    return _load(connection, run_id, _links_and_effectivity(model))


def load_satellites(connection: Connection, model: Model, run_id: str) -> dict[str, int]:
    """Insert the versions of the run's staged rows; return new rows by satellite. Again: inserts nothing."""
    return _load(
        connection,
        run_id,
        (
            (name, render_satellite(model, name))
            for name, satellite in model.satellites.items()
            if satellite.driving_key is None
        ),
    )


def _links_and_effectivity(model: Model) -> Iterator[tuple[str, sql.Composed]]:
    for name in model.links:
        yield name, render_link(model, name)
    for name, satellite in model.satellites.items():
        if satellite.driving_key is not None:
            yield name, render_satellite(model, name)


def _load(connection: Connection, run_id: str, statements: Iterator[tuple[str, sql.Composed]]) -> dict[str, int]:
    run = active_run(connection, run_id)
    object_ids = objects_of(connection, run_id, ["STAGED"])
    # sorts and hashes of a night fit in memory
    connection.execute(sql.SQL("set local work_mem = {}").format(_WORK_MEM))
    inserted: dict[str, int] = {}
    for table, statement in statements:
        # two runs that load the same keys would not see each other's rows
        connection.execute("select pg_advisory_xact_lock(hashtext('raw_vault'), hashtext(%s))", (table,))
        with recorded_step(connection, run_id, table) as step:
            step.rows = connection.execute(statement, {"object_ids": object_ids, "loaded_at": run.loaded_at}).rowcount
        inserted[table] = inserted.get(table, 0) + step.rows
    return inserted
