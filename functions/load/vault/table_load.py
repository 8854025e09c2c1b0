"""Load tables of the raw vault from staging, each object once. Set-based statements, no row loop."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import C360Error
from functions.common.ledger import Run, active_run, lock, objects_of
from functions.common.sql_files import read_sql
from functions.load.recorded_step import recorded_step
from functions.load.statistics import refresh_statistics
from functions.model.declaration import Model
from functions.model.render.staging import render_staged_counts

_WORK_MEM = "64MB"
_ROWS_WORTH_AN_INDEX_BUILD = 10_000


_LOST = (
    "staged rows are missing: PostgreSQL ended since they were staged, as it does when its disk is full; make room"
    " (c360 status shows what is left), then resume the run, which stages them again"
)


class StagingLostError(C360Error):
    """The database has lost staged rows since they were checked; staging the files again is the cure."""


@dataclass(frozen=True)
class Batch:
    """What a table is to learn: the rows of new objects, and that those of retracted ones no longer count.

    `since` is their first effective instant; `is_late`: the table holds an object that comes after a new one, or has
    lost one. `is_first`: it holds no other.
    """

    object_ids: list[int]
    retracted: list[int]
    since: datetime
    is_late: bool
    is_first: bool

    def parameters(self, run: Run) -> dict[str, Any]:
        """The parameters of the statements that load a table."""
        return {
            "object_ids": self.object_ids,
            "retracted": self.retracted,
            "since": self.since,
            "loaded_at": run.loaded_at,
        }


@dataclass(frozen=True)
class TableLoad:
    """How rows of `source` get into `table` of the raw vault. `late_statement`: of files that others came before.

    `is_shared`: others write the table too, or rows of it that are already there are met by its unique index.
    `insert` stands in for the statements where one is not enough; it returns how many rows it inserted. `history_of`:
    the table whose rows, of objects that are retracted, concern this one; None: what is there stays there.
    """

    table: str
    source: str
    statement: sql.Composed | None = None
    late_statement: sql.Composed | None = None
    is_shared: bool = False
    insert: Callable[[Connection, Run, Batch], int] | None = None
    history_of: str | None = None


def load_tables(connection: Connection, model: Model, run_id: str, loads: Iterable[TableLoad]) -> dict[str, int]:
    """Load these tables, in this order, from the run's staged objects; return new rows by table.

    Raises RunNotActiveError, and StagingLostError when staged rows are missing.
    """
    run = active_run(connection, run_id)
    staged = objects_of(connection, run_id, ["STAGED"])
    check_staging_is_there(connection, model, staged)
    # sorts and hashes of a night fit in memory
    connection.execute(sql.SQL("set local work_mem = {}").format(_WORK_MEM))
    inserted: dict[str, int] = {}
    for load in loads:
        # two runs that load the same keys would not see each other's rows
        lock(connection, load.table)
        inserted[load.table] = inserted.get(load.table, 0) + _load_table(connection, run, load, staged)
    return inserted


def check_staging_is_there(connection: Connection, model: Model, staged: list[int]) -> None:
    """What is noted as loaded is never looked at again, so nothing may be missing.

    Raises StagingLostError when it is: PostgreSQL empties staging, which is unlogged, when it crashes.
    """
    for source in model.sources:
        row = connection.execute(
            render_staged_counts(source),
            {"staged": staged, "source": source},
        ).fetchone()
        if row and row[0] != row[1]:
            raise StagingLostError(_LOST, source=source)


def claim(connection: Connection, run: Run, load: TableLoad, staged: list[int]) -> Batch | None:
    """What the table does not know yet, which the ledger then says that it knows; None if there is nothing.

    To be called in the transaction that loads it.
    """
    parameters = {
        "table": load.table,
        "run_id": run.run_id,
        "staged": staged,
        "source": load.source,
        "history_of": load.history_of,
    }
    object_ids = [row[0] for row in connection.execute(read_sql("load/claim_for_table.sql"), parameters)]
    retracted = [row[0] for row in connection.execute(read_sql("load/claim_retracted_for_table.sql"), parameters)]
    return _batch(connection, load, object_ids, retracted) if object_ids or retracted else None


def _load_table(connection: Connection, run: Run, load: TableLoad, staged: list[int]) -> int:
    """Load the objects that the table does not hold yet, and say so in the ledger."""
    batch = claim(connection, run, load, staged)
    if batch is None:
        return 0
    with recorded_step(connection, run.run_id, load.table) as step, _indexes_last(connection, load, batch.object_ids):
        step.rows = _insert(connection, run, load, batch)
    refresh_statistics(connection, "raw_vault", load.table, step.rows)
    return step.rows


def _insert(connection: Connection, run: Run, load: TableLoad, batch: Batch) -> int:
    if load.insert is not None:
        return load.insert(connection, run, batch)
    statement = load.late_statement if batch.is_late and load.late_statement is not None else load.statement
    if statement is None:
        raise C360Error("nothing says how this table is loaded", table=load.table)
    return connection.execute(statement, batch.parameters(run)).rowcount


@contextmanager
def _indexes_last(connection: Connection, load: TableLoad, object_ids: list[int]) -> Iterator[None]:
    """Build the indexes of a table that holds nothing yet over its rows, if they are many: that is faster by far."""
    row = connection.execute(
        "select coalesce(sum(rows_read), 0) from metadata.object_version where object_id = any(%s)", (object_ids,)
    ).fetchone()
    are_set_aside = False
    if row and row[0] >= _ROWS_WORTH_AN_INDEX_BUILD and not load.is_shared:
        answer = connection.execute("select raw_vault.set_indexes_aside(%s)", (load.table,)).fetchone()
        are_set_aside = answer == (True,)
    yield
    if are_set_aside:
        connection.execute("select raw_vault.restore_indexes(%s)", (load.table,))


def _batch(connection: Connection, load: TableLoad, object_ids: list[int], retracted: list[int]) -> Batch:
    row = connection.execute(
        read_sql("load/place_of_objects.sql"),
        {
            "source": load.source,
            "table": load.history_of or load.table,
            "object_ids": object_ids,
            "retracted": retracted,
        },
    ).fetchone()
    if row is None or row[0] is None:
        raise C360Error("these objects are not in the ledger", objects=object_ids + retracted)
    since, is_late, is_first = row
    return Batch(object_ids, retracted, since, bool(retracted or is_late), is_first)
