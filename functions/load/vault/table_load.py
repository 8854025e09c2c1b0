"""Load tables of the raw vault from staging, each object once. Set-based statements, no row loop.

Hubs, links and satellites are loaded at the same time: all that a row needs of another table is its hash key, which
staging has computed.

A load that takes long is done in batches, so that it outlives the time limit of a function (ADR 23).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import C360Error
from functions.common.ledger import Run, active_run, lock, objects_of
from functions.common.sql_files import read_sql
from functions.common.vault_engine import require_engine
from functions.load.recorded_step import recorded_step
from functions.load.retraction import retract_objects, unpublished_retractions
from functions.load.statistics import refresh_statistics
from functions.load.time_left import SecondsLeft, for_ever
from functions.load.vault.key_range import KEYS_END, KeyRange, Unfinished, record_done, unfinished
from functions.load.vault.pace import BATCH_LIMIT_SECONDS, Pace, are_few
from functions.model.declaration import Model
from functions.model.render.staging import render_staged_counts

_WORK_MEM = "64MB"
_ROWS_WORTH_AN_INDEX_BUILD = 10_000
_FEW_ROWS = 2
"""Of a table, for each new row."""

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
    lost one. `is_first`: it holds no other. `is_large`: the table is known to hold few rows beside the new ones.
    `keys`: of which keys.
    """

    object_ids: list[int]
    retracted: list[int]
    since: datetime
    is_late: bool
    is_first: bool
    is_large: bool
    keys: KeyRange

    @property
    def in_range(self) -> bool:
        """Whether it has only some of the keys."""
        return not self.keys.is_whole

    @property
    def is_newest(self) -> bool:
        """Whether it is one object, which comes after all that the table holds."""
        return not self.is_late and len(self.object_ids) == 1

    def parameters(self, run: Run) -> dict[str, Any]:
        """The parameters of the statements that load a table."""
        return {
            "object_ids": self.object_ids,
            "retracted": self.retracted,
            "since": self.since,
            "loaded_at": run.loaded_at,
            **(self.keys.bounds() if self.in_range else {}),
        }


@dataclass(frozen=True)
class TableLoad:
    """How rows of `source` get into `table` of the raw vault: by the `statement` of a batch.

    `is_shared`: others write the table too, or rows of it that are already there are met by its unique index.
    `insert` stands in for the statement where one is not enough; it returns how many rows it inserted. `history_of`:
    the table whose rows, of objects that are retracted, concern this one; None: what is there stays there.
    `is_needed`: whether there is anything to do at all.
    """

    table: str
    source: str
    statement: Callable[[Batch], sql.Composed] | None = None
    is_shared: bool = False
    insert: Callable[[Connection, Run, Batch], int] | None = None
    history_of: str | None = None
    is_needed: Callable[[Connection], bool] = lambda _connection: True


@dataclass(frozen=True)
class Loaded:
    """New rows by table; `is_done`: nothing is left to do of what was asked."""

    rows: dict[str, int]
    is_done: bool = True


def load_tables(
    connection: Connection, model: Model, run_id: str, loads: Iterable[TableLoad], seconds_left: SecondsLeft = for_ever
) -> Loaded:
    """Load these tables, in this order, from the run's staged objects, in batches that are transactions of their own.

    A batch is a table, or a range of its hash keys when the objects have very many rows; of few rows, all tables are
    loaded in one transaction. No batch begins with less than BATCH_RESERVE_SECONDS left, apart from the first: then the
    rest is for another call, which goes on where this one ended. The caller has no transaction open. First of all, what
    the run retracts is noted.

    Raises RunNotActiveError, EngineMismatchError when Spark keeps the vault, and StagingLostError when staged rows are
    missing.
    """
    pace = Pace(seconds_left)
    with connection.transaction():
        require_engine(connection, "postgresql")
        _prepare(connection, run_id)
    with connection.transaction():
        staged = objects_of(connection, run_id, ["STAGED"])
        check_staging_is_there(connection, model, staged)
        together = connection.transaction() if _is_small(connection, staged) else nullcontext()
    inserted: dict[str, int] = {}
    with together:
        for load in loads:
            is_done = False
            while not is_done:
                if pace.is_time_up():
                    return Loaded(inserted, is_done=False)
                with pace.batch(), connection.transaction():
                    rows, is_done = _load_batch(connection, run_id, load, staged, pace)
                    inserted[load.table] = inserted.get(load.table, 0) + rows
    return Loaded(inserted)


def _is_small(connection: Connection, staged: list[int]) -> bool:
    """Whether the rows are so few that the commits of the tables take longer than their rows."""
    row = connection.execute(
        "select coalesce(sum(rows_read), 0)::bigint, coalesce(bool_or(is_snapshot), true)"
        " from metadata.object_version where object_id = any(%s)",
        (staged,),
    ).fetchone()
    rows, has_lists = row or (0, True)
    return not has_lists and are_few(rows) and not unpublished_retractions(connection)


def _prepare(connection: Connection, run_id: str) -> None:
    """What comes before all tables of a run. Others may come at the same time: the first does it, they wait.

    Once only: what another run loads meanwhile must not take away staged rows that some tables have already.
    """
    connection.execute("select from metadata.load_run where run_id = %s for no key update", (run_id,))
    active_run(connection, run_id)
    is_done = connection.execute(
        "select exists (select from metadata.load_step where run_id = %s and step = 'retract')", (run_id,)
    ).fetchone()
    if is_done == (True,):
        return
    with recorded_step(connection, run_id, "retract") as step:
        step.rows = retract_objects(connection, run_id)
        # it locks a table that others write, so before any of them does
        connection.execute(
            "select raw_vault.open_tracking_month(effective_at) from metadata.object_version"
            " where run_id = %s and status = 'STAGED'",
            (run_id,),
        )


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


def _load_batch(
    connection: Connection, run_id: str, load: TableLoad, staged: list[int], pace: Pace
) -> tuple[int, bool]:
    """Load of the objects that the table does not hold yet as many keys as a batch has, and say so in the ledger.

    Returns the new rows, and whether it holds all keys of all objects.
    """
    if not load.is_needed(connection):
        return 0, True
    # two runs that load the same keys would not see each other's rows
    lock(connection, load.table)
    run = active_run(connection, run_id)
    todo = _todo(connection, run, load, staged)
    if todo is None:
        return 0, True
    rows = _rows_concerned(connection, load, todo)
    width = pace.width(load.table, rows, todo.width)
    keys = KeyRange(todo.low, min(todo.before, todo.low + width))
    batch = _batch(connection, load, todo, keys)
    # sorts and hashes of a night fit in memory
    connection.execute(
        "select set_config('work_mem', %s, true), set_config('statement_timeout', %s, true)",
        (_WORK_MEM, f"{BATCH_LIMIT_SECONDS}s"),
    )
    with (
        recorded_step(connection, run_id, load.table) as step,
        _indexes_last(connection, load, rows * keys.share),
    ):
        step.rows = _insert(connection, run, load, batch)
    record_done(connection, load.table, todo, keys.high)
    refresh_statistics(connection, "raw_vault", load.table, step.rows)
    return step.rows, keys.high == KEYS_END


def claim(connection: Connection, run: Run, load: TableLoad, staged: list[int]) -> Batch | None:
    """What the table does not know yet, of all keys, which the ledger then says that it knows; None: nothing.

    For a load in one piece, to be called in the transaction that does it. Raises C360Error when another load has left
    the table between two ranges of keys.
    """
    todo = _todo(connection, run, load, staged)
    if todo is None:
        return None
    if (todo.low, todo.before) != (0, KEYS_END):
        raise C360Error("the table was loaded in part; resume that load where it began", table=load.table)
    batch = _batch(connection, load, todo, KeyRange())
    record_done(connection, load.table, todo, KEYS_END)
    return batch


def _todo(connection: Connection, run: Run, load: TableLoad, staged: list[int]) -> Unfinished | None:
    parameters = {
        "table": load.table,
        "run_id": run.run_id,
        "staged": staged,
        "source": load.source,
        "history_of": load.history_of,
    }
    connection.execute(read_sql("load/claim_for_table.sql"), parameters)
    if load.history_of is not None:
        connection.execute(read_sql("load/claim_retracted_for_table.sql"), parameters)
    return unfinished(connection, load.table, load.source, staged)


def _insert(connection: Connection, run: Run, load: TableLoad, batch: Batch) -> int:
    if load.insert is not None:
        return load.insert(connection, run, batch)
    if load.statement is None:
        raise C360Error("nothing says how this table is loaded", table=load.table)
    return connection.execute(load.statement(batch), batch.parameters(run)).rowcount


@contextmanager
def _indexes_last(connection: Connection, load: TableLoad, rows: float) -> Iterator[None]:
    """Build the indexes of a table that holds nothing yet over its rows, if they are many: that is faster by far."""
    are_set_aside = False
    if rows >= _ROWS_WORTH_AN_INDEX_BUILD and not load.is_shared:
        answer = connection.execute("select raw_vault.set_indexes_aside(%s)", (load.table,)).fetchone()
        are_set_aside = answer == (True,)
    yield
    if are_set_aside:
        connection.execute("select raw_vault.restore_indexes(%s)", (load.table,))


def _rows_concerned(connection: Connection, load: TableLoad, todo: Unfinished) -> int:
    """About how many rows are looked at: those of the objects, and of a complete list all that it may lack."""
    rows, has_lists = connection.execute(
        "select coalesce(sum(rows_read), 0)::bigint, coalesce(bool_or(is_snapshot), false)"
        " from metadata.object_version where object_id = any(%s)",
        (todo.object_ids + todo.retracted,),
    ).fetchone() or (0, False)
    if not has_lists or load.history_of in (None, load.table):
        return int(rows)
    held = connection.execute(
        "select greatest(reltuples, 0)::bigint from pg_class where oid = %s::regclass",
        (f"raw_vault.{load.history_of}",),
    ).fetchone()
    return int(rows) + (held[0] if held else 0)


def _batch(connection: Connection, load: TableLoad, todo: Unfinished, keys: KeyRange) -> Batch:
    row = connection.execute(
        read_sql("load/place_of_objects.sql"),
        {
            "source": load.source,
            "table": load.history_of or load.table,
            "object_ids": todo.object_ids,
            "retracted": todo.retracted,
        },
    ).fetchone()
    if row is None or row[0] is None:
        raise C360Error("these objects are not in the ledger", objects=todo.object_ids + todo.retracted)
    since, is_late, is_first, rows, table_rows = row
    return Batch(
        todo.object_ids,
        todo.retracted,
        since,
        bool(todo.retracted or is_late),
        is_first,
        is_large(rows, table_rows),
        keys,
    )


def is_large(rows: int, table_rows: int | None) -> bool:
    """Whether a table is known to hold few rows beside as many new ones; -1: it was never counted.

    None: it is not there, which its statement says better.
    """
    return table_rows is not None and 0 <= table_rows <= _FEW_ROWS * rows
