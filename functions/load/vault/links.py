"""Load the links, and the effectivity satellites that say which of them are in force."""

from collections.abc import Iterator
from functools import partial

from psycopg import sql

from functions.common.database import Connection
from functions.load.time_left import SecondsLeft, for_ever
from functions.load.vault.satellites import satellite_load
from functions.load.vault.table_load import Batch, Loaded, TableLoad, load_tables
from functions.model.declaration import Model
from functions.model.render.vault import render_link


def load_links(connection: Connection, model: Model, run_id: str, seconds_left: SecondsLeft = for_ever) -> Loaded:
    """Insert the relationships of the run's staged rows, and which are in force, in batches (see load_tables).

    Again: inserts nothing.
    """
    return load_tables(connection, model, run_id, link_loads(model), seconds_left)


def link_loads(model: Model) -> Iterator[TableLoad]:
    """How links get their rows, and then the effectivity satellites."""
    for name, link in model.links.items():
        yield TableLoad(name, link.source, partial(_statement, model, name))
    for name, satellite in model.satellites.items():
        if satellite.driving_key is not None:
            yield satellite_load(model, name)


def _statement(model: Model, name: str, batch: Batch) -> sql.Composed:
    return render_link(model, name, in_range=batch.in_range)
