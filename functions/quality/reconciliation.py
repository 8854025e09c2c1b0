"""What became of every staged row and of every measure, written to the ledger of object versions.

A row is loaded when it added a version to any satellite, duplicate when it repeats the row of its key before it in the
file, and unchanged when it equals the version in force. A measure's sum is followed from the file to the vault.
"""

from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.model.render_reconciliation import render_count, render_duplicate, render_quarantined


def record_counts(connection: Connection, model: Model, object_ids: list[int]) -> None:
    """Write to the ledger, for each of these staged objects, its loaded, duplicate and unchanged rows and its sums."""
    connection.execute("set local work_mem = '64MB'")
    # of rows just loaded the planner knows nothing yet: it takes them for few, and would fetch them one by one
    connection.execute("set local enable_mergejoin = off")
    connection.execute(
        "update metadata.object_version set rows_loaded = 0, rows_duplicate = 0, rows_unchanged = 0"
        " where object_id = any(%s)",
        (object_ids,),
    )
    for source in model.sources:
        _record_counts(connection, model, source, object_ids)


def unreconciled(connection: Connection, object_ids: list[int]) -> list[str]:
    """Which measures of which objects do not add up: file = quarantined + staged, and staged = vault, to the digit."""
    rows = connection.execute(read_sql("quality/unreconciled_measures.sql"), (object_ids,))
    return [f"{measure} of object {object_id}" for object_id, measure in rows]


def _record_counts(connection: Connection, model: Model, source: str, object_ids: list[int]) -> None:
    measures = model.sources[source].measures
    parameters = {"object_ids": object_ids}
    counted = connection.execute(render_count(model, source), parameters).fetchall()
    # most files repeat nothing, and what is all loaded need not be searched
    repeating = any(staged > loaded for _, staged, loaded, *_ in counted)
    duplicates = _duplicates(connection, model, source, object_ids) if repeating else {}
    followed = _quarantined_measures(connection, model, source, object_ids)
    for object_id, staged, loaded, *sums in counted:
        duplicate = duplicates.get(object_id, 0)
        connection.execute(
            "update metadata.object_version set rows_loaded = %s, rows_duplicate = %s, rows_unchanged = %s"
            " where object_id = %s",
            (loaded, duplicate, staged - loaded - duplicate, object_id),
        )
        for name, staged_sum, vault_sum in zip(measures, sums[::2], sums[1::2], strict=True):
            followed[object_id][name] |= {"staged": str(staged_sum), "vault": str(vault_sum)}
    for object_id, sums_by_measure in followed.items():
        for name, by_stage in sums_by_measure.items():
            connection.execute(
                "update metadata.object_version set measures = jsonb_set(measures, %s, measures -> %s || %s)"
                " where object_id = %s",
                ([name], name, Jsonb(by_stage), object_id),
            )


def _duplicates(connection: Connection, model: Model, source: str, object_ids: list[int]) -> dict[int, int]:
    rows = connection.execute(render_duplicate(model, source), {"object_ids": object_ids}).fetchall()
    return {object_id: count for object_id, count in rows}  # noqa: C416 - dict() of untyped rows has no type


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
            name: {"quarantined": str(value), "staged": "0", "vault": "0"}
            for name, value in zip(measures, values, strict=True)
        }
        for object_id, *values in connection.execute(statement, (object_ids,))
    }
