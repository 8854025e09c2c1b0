"""What became of every staged row and of every measure, written to the ledger of object versions.

A row is loaded when it added a version to any satellite, duplicate when a later row of its file repeats it or its key
(functions/load/staging/repeated_rows.py), and unchanged when it equals the version in force. A measure's sum is
followed from the file to the vault.
"""

from itertools import batched

from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.model.render.reconciliation import render_count, render_quarantined

_STAGES = ("staged", "vault", "duplicate", "overruled")


def forget_counts(connection: Connection, object_ids: list[int]) -> None:
    """Before these objects are counted, no row of theirs counts."""
    connection.execute(
        "update metadata.object_version set rows_loaded = 0, rows_unchanged = 0 where object_id = any(%s)",
        (object_ids,),
    )


def unreconciled(connection: Connection, object_ids: list[int]) -> list[str]:
    """Which measures of which objects do not add up to the digit: file = quarantined + staged, and
    staged = vault + duplicate + overruled.
    """
    rows = connection.execute(read_sql("quality/unreconciled_measures.sql"), (object_ids,))
    return [f"{measure} of object {object_id}" for object_id, measure in rows]


def record_counts(connection: Connection, model: Model, source: str, object_ids: list[int]) -> None:
    """Write to the ledger, for each of these staged objects of a source, its loaded and unchanged rows and its sums."""
    # the planner has no statistics of rows just loaded: it takes them for few, and would fetch them one by one
    connection.execute("set local enable_mergejoin = off")
    measures = model.sources[source].measures
    parameters = {"object_ids": object_ids}
    counted = connection.execute(render_count(model, source), parameters).fetchall()
    followed = _quarantined_measures(connection, model, source, object_ids)
    for object_id, _, _, *sums in counted:
        for name, of_measure in zip(measures, batched(sums, len(_STAGES)), strict=True):
            followed[object_id][name] |= dict(zip(_STAGES, map(str, of_measure), strict=True))
    connection.execute(
        read_sql("quality/record_counts.sql"),
        {name: [row[place] for row in counted] for place, name in enumerate(("object_ids", "staged", "loaded"))},
    )
    if followed:
        connection.execute(
            read_sql("quality/record_measures.sql"),
            {"object_ids": list(followed), "measures": [Jsonb(sums) for sums in followed.values()]},
        )


def _quarantined_measures(
    connection: Connection, model: Model, source: str, object_ids: list[int]
) -> dict[int, dict[str, dict[str, str]]]:
    """Object -> measure -> what its rejected rows add up to, where they hold a number."""
    measures = model.sources[source].measures
    if not measures:
        return {}
    statement = render_quarantined(model, source)
    return {
        object_id: {
            name: {"quarantined": str(value), **dict.fromkeys(_STAGES, "0")}
            for name, value in zip(measures, values, strict=True)
        }
        for object_id, *values in connection.execute(statement, (object_ids,))
    }
