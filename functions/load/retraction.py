"""Objects whose rows no longer count: those taken back, and those that a later version of their key replaces.

Their rows stay in the vault, known until now; each table then takes out of its history what they had said, and so do
the marts.
"""

from functions.common.database import Connection
from functions.common.ledger import active_run
from functions.common.sql_files import read_sql
from functions.load.staging.parts import forget_object

_MARTS = "marts"


def retract_objects(connection: Connection, run_id: str) -> int:
    """From this run on, what it takes back and what its files replace is no longer known. Again: nothing.

    Returns how many objects of the vault these are.
    """
    parameters = {"run_id": run_id, "loaded_at": active_run(connection, run_id).loaded_at}
    for source, object_id in connection.execute(read_sql("load/mark_replaced.sql"), parameters).fetchall():
        forget_object(connection, source, object_id)
    return connection.execute(read_sql("load/retract_objects.sql"), parameters).rowcount


def are_retractions_due(connection: Connection, run_id: str) -> bool:
    """Whether the run is to take files back, or an earlier one has not come to the end of it."""
    row = connection.execute("select retract <> '{}' from metadata.load_run where run_id = %s", (run_id,)).fetchone()
    return row == (True,) or bool(unpublished_retractions(connection))


def unpublished_retractions(connection: Connection) -> list[int]:
    """Retracted objects that the marts still count, ascending."""
    rows = connection.execute(
        "select object_id from metadata.retraction as r where not exists ("
        "select from metadata.vault_retraction as v where v.object_id = r.object_id and v.vault_table = %s"
        ") order by 1",
        (_MARTS,),
    )
    return [row[0] for row in rows]


def note_published(connection: Connection, run_id: str, object_ids: list[int]) -> None:
    """The marts no longer count these retracted objects."""
    connection.execute(
        "insert into metadata.vault_retraction (object_id, vault_table, run_id) select unnest(%s::bigint[]), %s, %s",
        (object_ids, _MARTS, run_id),
    )
