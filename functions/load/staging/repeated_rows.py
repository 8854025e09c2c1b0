"""Of the rows of one file with one key the last one counts: the others are noted when the file is staged."""

from functions.common.database import Connection
from functions.model.declaration import Model
from functions.model.render.repeated_rows import render_numbered_apart, render_repeated_rows, render_repeats

_COUNT = """update metadata.object_version
set (rows_duplicate, rows_overruled) = (
    select count(*), count(*) filter (where is_overruled) from metadata.repeated_row where object_id = %(object_id)s
)
where object_id = %(object_id)s"""


def find_repeated_rows(connection: Connection, model: Model, source: str, object_id: int) -> None:
    """Note in metadata.repeated_row, and count in the ledger, the rows of a staged file that later ones of it repeat.

    A duplicate is equal in every column to a later row; what a later row of its key contradicts is overruled. Called
    again, it replaces what it noted before.
    """
    parameters = {"object_id": object_id, "object_ids": [object_id]}
    forget_repeated_rows(connection, [object_id])
    connection.execute("set local work_mem = '64MB'")
    if connection.execute(render_repeats(model, source), parameters).fetchone() == (True,):
        apart = render_numbered_apart(model, source)
        if apart is not None:
            connection.execute(apart, parameters)
        connection.execute(render_repeated_rows(model, source), parameters)
    connection.execute(_COUNT, parameters)


def forget_repeated_rows(connection: Connection, object_ids: list[int]) -> None:
    """Delete the notes on objects that are loaded, or staged again."""
    connection.execute("delete from metadata.repeated_row where object_id = any(%s)", (object_ids,))
