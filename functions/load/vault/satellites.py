"""Load the satellites: details, and the status of keys that complete lists lack."""

from collections.abc import Iterator
from functools import partial

from psycopg import sql

from functions.common.database import Connection
from functions.load.time_left import SecondsLeft, for_ever
from functions.load.vault.status import status_load
from functions.load.vault.table_load import Batch, Loaded, TableLoad, load_tables
from functions.model.declaration import Model
from functions.model.render.vault import render_newest, render_satellite


def load_satellites(connection: Connection, model: Model, run_id: str, seconds_left: SecondsLeft = for_ever) -> Loaded:
    """Insert the versions of the run's staged rows and what complete lists lack, in batches (see load_tables).

    Again: inserts nothing.
    """
    return load_tables(connection, model, run_id, satellite_loads(model), seconds_left)


def satellite_load(model: Model, name: str) -> TableLoad:
    """How the versions of a details or effectivity satellite get into it."""
    return TableLoad(name, model.satellites[name].source, partial(_statement, model, name), history_of=name)


def satellite_loads(model: Model) -> Iterator[TableLoad]:
    """How satellites of details get their rows, and then those that keep a status."""
    for name, satellite in model.satellites.items():
        if satellite.driving_key is None and satellite.status_of is None:
            yield satellite_load(model, name)
    for name, satellite in model.satellites.items():
        if satellite.status_of is not None:
            yield status_load(model, name)


def _statement(model: Model, name: str, batch: Batch) -> sql.Composed:
    if batch.is_newest:
        return render_newest(model, name, is_first=batch.is_first, is_large=batch.is_large, in_range=batch.in_range)
    return render_satellite(model, name, is_late=batch.is_late, is_large=batch.is_large, in_range=batch.in_range)
