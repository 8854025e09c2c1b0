"""Load the links, and the effectivity satellites that say which of them are in force."""

from collections.abc import Iterator

from functions.common.database import Connection
from functions.load.vault.satellites import satellite_load
from functions.load.vault.table_load import TableLoad, load_tables
from functions.model.declaration import Model
from functions.model.render.vault import render_link


def load_links(connection: Connection, model: Model, run_id: str) -> dict[str, int]:
    """Insert the relationships of the run's staged rows, and which of them are in force; return new rows by table.

    Again: inserts nothing.
    """
    return load_tables(connection, model, run_id, link_loads(model))


def link_loads(model: Model) -> Iterator[TableLoad]:
    """How links get their rows, and then the effectivity satellites."""
    for name, link in model.links.items():
        yield TableLoad(name, link.source, render_link(model, name))
    for name, satellite in model.satellites.items():
        if satellite.driving_key is not None:
            yield satellite_load(model, name)
