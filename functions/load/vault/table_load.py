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
_ROWS_OF_A_SMALL_TABLE = 2
"""For each new row; more are read by the keys of the new rows rather than whole."""

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
    lost one. `is_first`: it holds no other. `rows`: of the new objects; `table_rows`: an estimate, -1 before
    the table's rows are counted for the first time.
    """

    object_ids: list[int]
    retracted: list[int]
    since: datetime
    is_late: bool
    is_first: bool
    rows: int
    table_rows: int

    @property
    def is_large(self) -> bool:
        """Whether the table is known to have few rows beside the new ones."""
        return 0 <= self.table_rows <= _ROWS_OF_A_SMALL_TABLE * self.rows

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
    `large_statement`: of files that are large beside the table, where another one is faster.

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
    large_statement: sql.Composed | None = None

    def statement_for(self, batch: Batch) -> sql.Composed:
        """The statement that loads the batch."""
        statement = self.statement
        if batch.is_late:
            statement = self.late_statement or statement
        elif batch.is_large:
            statement = self.large_statement or statement
        if statement is None:
            raise C360Error("nothing says how this table is loaded", table=self.table)
        return statement


def load_tables(connection: Connection, model: Model, run_id: str, loads: Iterable[TableLoad]) -> dict[str, int]:
    """Load these tables, in this order, from the run's staged objects; return new rows by table.

    Raises RunNotActiveError, and StagingLostError when staged rows are missing.
    """
    run = active_run(connection, run_id)
    staged = objects_of(connection, run_id, ["STAGED"])
    _check_staging_is_there(connection, model, staged)
    # sorts and hashes of a night fit in memory
    connection.execute(sql.SQL("set local work_mem = {}").format(_WORK_MEM))
    inserted: dict[str, int] = {}
    for load in loads:
        # two runs that load the same keys would not see each other's rows
        lock(connection, load.table)
        inserted[load.table] = inserted.get(load.table, 0) + _load_table(connection, run, load, staged)
    return inserted


def _check_staging_is_there(connection: Connection, model: Model, staged: list[int]) -> None:
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


def _load_table(connection: Connection, run: Run, load: TableLoad, staged: list[int]) -> int:
    """Load the objects that the table does not hold yet, and say so in the ledger."""
    parameters = {
        "table": load.table,
        "run_id": run.run_id,
        "staged": staged,
        "source": load.source,
        "history_of": load.history_of,
    }
    object_ids = [row[0] for row in connection.execute(read_sql("load/claim_for_table.sql"), parameters)]
    retracted = [row[0] for row in connection.execute(read_sql("load/claim_retracted_for_table.sql"), parameters)]
    if not object_ids and not retracted:
        return 0
    batch = _batch(connection, load, object_ids, retracted)
    with recorded_step(connection, run.run_id, load.table) as step, _indexes_last(connection, load, batch):
        step.rows = _insert(connection, run, load, batch)
    refresh_statistics(connection, "raw_vault", load.table, step.rows)
    return step.rows


def _insert(connection: Connection, run: Run, load: TableLoad, batch: Batch) -> int:
    if load.insert is not None:
        return load.insert(connection, run, batch)
    return connection.execute(load.statement_for(batch), batch.parameters(run)).rowcount


@contextmanager
def _indexes_last(connection: Connection, load: TableLoad, batch: Batch) -> Iterator[None]:
    """Build the indexes of a table that holds nothing yet over its rows, if they are many: that is faster by far."""
    are_set_aside = False
    if batch.rows >= _ROWS_WORTH_AN_INDEX_BUILD and not load.is_shared:
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
    since, is_late, is_first, rows, table_rows = row
    return Batch(object_ids, retracted, since, bool(retracted or is_late), is_first, rows, table_rows)
