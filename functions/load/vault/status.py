"""Load the status satellites: from when to when keys were deleted."""

from functools import partial

from psycopg import sql

from functions.common.database import Connection
from functions.common.ledger import Run
from functions.load.vault.table_load import Batch, TableLoad
from functions.model.declaration import Model
from functions.model.render.status import Reach, is_numbered, render_affected, render_observed, render_status


def status_load(model: Model, name: str) -> TableLoad:
    """How a status satellite learns of new and of retracted objects, which its tracked satellite has."""
    satellite = model.satellites[name]
    return TableLoad(
        name,
        satellite.source,
        is_shared=True,
        insert=partial(_insert, model, name),
        history_of=satellite.status_of,
        is_needed=partial(_is_needed, model, name),
    )


def _is_needed(model: Model, name: str, connection: Connection) -> bool:
    """Lines end when their order is stated again; other keys are deleted by complete lists only."""
    if is_numbered(model, name):
        return True
    row = connection.execute(
        "select exists (select from metadata.object_version"
        " where source = %s and is_snapshot and status in ('STAGED', 'LOADED'))",
        (model.satellites[name].source,),
    ).fetchone()
    return row == (True,)


def _insert(model: Model, name: str, connection: Connection, run: Run, batch: Batch) -> int:
    reach = reach_of(connection, batch)
    if changes_nothing(model, name, batch, reach):
        return 0
    affected = connection.execute(
        render_affected(model, name, reach, in_range=batch.in_range), batch.parameters(run)
    ).rowcount
    inserted = 0
    if affected:
        connection.execute("analyze affected_key")
        for table, statement in render_observed(model, name).items():
            connection.execute(statement, batch.parameters(run))
            connection.execute(sql.SQL("analyze {}").format(sql.Identifier(table)))
        inserted = connection.execute(render_status(model, name), batch.parameters(run)).rowcount
        connection.execute("drop table present, first_observed")
    connection.execute("drop table affected_key")
    return inserted


def changes_nothing(model: Model, name: str, batch: Batch, reach: Reach) -> bool:
    """Whether no line can end: one file, before which the table holds nothing."""
    return batch.is_first and reach == "incomplete" and len(batch.object_ids) == 1 and is_numbered(model, name)


def reach_of(connection: Connection, batch: Batch) -> Reach:
    """How far the batch's objects reach: of which keys the status may change."""
    row = connection.execute(
        "select bool_or(is_snapshot), count(distinct effective_at) from metadata.object_version"
        " where object_id = any(%s)",
        (batch.object_ids + batch.retracted,),
    ).fetchone()
    has_lists, instants = row or (False, 0)
    if has_lists:
        return "everything"
    return "several" if batch.is_late or instants > 1 else "incomplete"
