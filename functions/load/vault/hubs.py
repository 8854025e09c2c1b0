"""Load the hubs."""

from collections.abc import Iterator
from functools import partial

from psycopg import sql

from functions.common.database import Connection
from functions.load.time_left import SecondsLeft, for_ever
from functions.load.vault.table_load import Batch, Loaded, TableLoad, load_tables
from functions.model.declaration import Model
from functions.model.render.vault import render_hub


def load_hubs(connection: Connection, model: Model, run_id: str, seconds_left: SecondsLeft = for_ever) -> Loaded:
    """Insert the business keys of the run's staged rows, in batches (see load_tables). Again: inserts nothing.

    Sources go in the order the model lists them: what describes a key comes before what only names it.
    """
    return load_tables(connection, model, run_id, hub_loads(model), seconds_left)


def hub_loads(model: Model) -> Iterator[TableLoad]:
    """How each source's keys get into each hub."""
    for name, hub in model.hubs.items():
        for source in hub.sources:
            yield TableLoad(name, source, partial(_statement, model, name, source), is_shared=len(hub.sources) > 1)


def _statement(model: Model, name: str, source: str, batch: Batch) -> sql.Composed:
    return render_hub(model, name, source, in_range=batch.in_range)
