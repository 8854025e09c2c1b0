"""Files that lack a column which earlier files of their source filled: loading one would empty it for every row.

Judged when all files of a run are staged, in the order of their instants, whatever order they were staged in.
"""

from datetime import datetime

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import FileRejectedError
from functions.common.ledger import active_run, claimed_object
from functions.load.staging.set_aside import set_aside
from functions.model.declaration import Model

_STAGED = """select object_id, effective_at, header
from metadata.object_version
where run_id = %s and source = %s and status = 'STAGED'
order by effective_at, object_key, object_id"""

_RECORD = """insert into metadata.filled_column (source, column_name, filled_since)
values (%s, %s, %s)
on conflict (source, column_name) do update
set filled_since = least(filled_column.filled_since, excluded.filled_since)"""


def refuse_partial_files(connection: Connection, model: Model, run_id: str) -> list[int]:
    """Set aside the run's staged files that lack such a column, unless the model says `absent: empty` of it.

    Returns the ids of their objects, and remembers since which instant each column has been filled.
    """
    active_run(connection, run_id)
    refused = []
    for source in model.sources:
        refused += _refuse(connection, model, run_id, source)
    return refused


def _refuse(connection: Connection, model: Model, run_id: str, source: str) -> list[int]:
    guarded = [
        name
        for name, column in model.sources[source].columns.items()
        if column.absent == "refuse" and not column.required
    ]
    staged = connection.execute(_STAGED, (run_id, source)).fetchall()
    if not staged or not guarded:
        return []
    filled: dict[str, datetime] = dict(
        connection.execute(
            "select column_name, filled_since from metadata.filled_column where source = %s", (source,)
        ).fetchall()
    )
    before = dict(filled)
    first = staged[0][1]
    unsettled = [name for name in guarded if name not in filled or filled[name] > first]
    fills = _filled_by_object(connection, source, [row[0] for row in staged], unsettled)
    refused = []
    for object_id, effective_at, header in staged:
        absent = [name for name in guarded if name not in header and name in filled and filled[name] < effective_at]
        if absent:
            reason = (
                "the header lacks columns that earlier files of the source filled, and loading it would empty them:"
                " deliver them, or declare `absent: empty` in sql/model.yaml"
            )
            item = claimed_object(connection, run_id, object_id)
            set_aside(connection, run_id, item, FileRejectedError(reason, columns=absent))
            refused.append(object_id)
            continue
        for name in fills.get(object_id, ()):
            filled[name] = min(filled.get(name, effective_at), effective_at)
    for name, since in filled.items():
        if before.get(name) != since:
            connection.execute(_RECORD, (source, name, since))
    return refused


def _filled_by_object(
    connection: Connection, source: str, object_ids: list[int], columns: list[str]
) -> dict[int, list[str]]:
    """Object -> those of the columns of which one of its staged rows has a value."""
    if not columns:
        return {}
    flags = sql.SQL(", ").join(sql.SQL("bool_or({} is not null)").format(sql.Identifier(name)) for name in columns)
    rows = connection.execute(
        sql.SQL("select object_id, {} from {} where object_id = any(%s) group by object_id").format(
            flags, sql.Identifier("staging", source)
        ),
        (object_ids,),
    )
    return {row[0]: [name for name, is_filled in zip(columns, row[1:], strict=True) if is_filled] for row in rows}
