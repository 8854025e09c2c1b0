"""Load the satellites: details, and the status of keys that complete lists lack."""

from collections.abc import Iterator

from functions.common.database import Connection
from functions.load.vault.status import status_load
from functions.load.vault.table_load import TableLoad, load_tables
from functions.model.declaration import Model
from functions.model.render.status import is_numbered
from functions.model.render.vault import render_satellite


def load_satellites(connection: Connection, model: Model, run_id: str) -> dict[str, int]:
    """Insert the versions of the run's staged rows and what complete lists lack; return new rows by satellite.

    Again: inserts nothing.
    """
    return load_tables(connection, model, run_id, _details_and_status(connection, model))


def satellite_load(model: Model, name: str) -> TableLoad:
    """How the versions of a details or effectivity satellite get into it."""
    return TableLoad(
        name,
        model.satellites[name].source,
        render_satellite(model, name, is_late=False),
        render_satellite(model, name, is_late=True),
        large_statement=render_satellite(model, name, is_late=False, reads_all=True),
        history_of=name,
    )


def _details_and_status(connection: Connection, model: Model) -> Iterator[TableLoad]:
    for name, satellite in model.satellites.items():
        if satellite.driving_key is None and satellite.status_of is None:
            yield satellite_load(model, name)
    for name, satellite in model.satellites.items():
        if satellite.status_of is not None and (
            is_numbered(model, name) or _has_snapshots(connection, satellite.source)
        ):
            yield status_load(model, name)


def _has_snapshots(connection: Connection, source: str) -> bool:
    row = connection.execute(
        "select exists (select from metadata.object_version"
        " where source = %s and is_snapshot and status in ('STAGED', 'LOADED'))",
        (source,),
    ).fetchone()
    return row == (True,)
