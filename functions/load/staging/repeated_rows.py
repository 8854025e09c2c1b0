"""Of the rows of one file with one key the last one speaks: the others are found before the vault is loaded."""

from functions.common.database import Connection
from functions.model.declaration import Model
from functions.model.render_repeated_rows import render_copies, render_repeated_rows

_COUNT = """update metadata.object_version as o
set rows_duplicate = repeated.rows, rows_overruled = repeated.overruled
from (
    select asked.object_id, count(r.object_id) as rows, count(*) filter (where r.is_overruled) as overruled
    from unnest(%(object_ids)s) as asked (object_id)
    left join metadata.repeated_row as r using (object_id)
    group by asked.object_id
) as repeated
where o.object_id = repeated.object_id"""


def find_repeated_rows(connection: Connection, model: Model, object_ids: list[int]) -> None:
    """Note in metadata.repeated_row, and count in the ledger, the rows that other rows of their file repeat.

    A duplicate is equal in every column to a later row; what a later row of its key contradicts is overruled. Done
    once for what is staged.
    """
    sources: dict[str, list[int]] = {}
    for source, object_id in connection.execute(
        "select source, object_id from metadata.object_version where object_id = any(%s) and rows_overruled is null"
        " order by 1, 2",
        (object_ids,),
    ):
        sources.setdefault(source, []).append(object_id)
    for source, found in sources.items():
        parameters = {"object_ids": found}
        connection.execute("delete from metadata.repeated_row where object_id = any(%(object_ids)s)", parameters)
        copies = render_copies(model, source)
        if copies is not None:
            connection.execute(copies, parameters)
        connection.execute(render_repeated_rows(model, source), parameters)
        connection.execute(_COUNT, parameters)


def forget_repeated_rows(connection: Connection, object_ids: list[int]) -> None:
    """What was found is of no use once the objects are loaded, or staged anew."""
    connection.execute("delete from metadata.repeated_row where object_id = any(%s)", (object_ids,))
