"""The ledger in schema metadata, as every room reads it: which run is active, and which object versions it loads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import C360Error, MigrationError


class RunNotActiveError(C360Error):
    """The run has ended, or another run has taken its files over; its steps must not go on."""


@dataclass(frozen=True)
class Run:
    """An active run. `loaded_at`: the instant at which all that it loads counts as known."""

    run_id: str
    loaded_at: datetime


def active_run(connection: Connection, run_id: str) -> Run:
    """The run, which must be RUNNING. Raises RunNotActiveError when it is not."""
    row = connection.execute("select loaded_at, status from metadata.load_run where run_id = %s", (run_id,)).fetchone()
    if row is None or row[1] != "RUNNING":
        raise RunNotActiveError("this run is not active", run_id=run_id, status=None if row is None else row[1])
    return Run(run_id, row[0])


def objects_of(connection: Connection, run_id: str, statuses: Sequence[str]) -> list[int]:
    """Ids of the run's object versions in one of `statuses`, ascending."""
    rows = connection.execute(
        "select object_id from metadata.object_version where run_id = %s and status = any(%s) order by object_id",
        (run_id, list(statuses)),
    )
    return [row[0] for row in rows]


@dataclass(frozen=True)
class ClaimedObject:
    """An object version that a run is to load. `columns`: its header, of a file that is staged in parts."""

    object_id: int
    bucket: str
    key: str
    version_id: str
    source: str
    status: str
    columns: list[str] | None


def claimed_object(connection: Connection, run_id: str, object_id: int, *, locked: bool = True) -> ClaimedObject:
    """The object version; with `locked`, it stays locked until the transaction ends.

    Raises RunNotActiveError when the run has no claim to it.
    """
    statement = sql.SQL(
        "select object_id, bucket, object_key, version_id, source, status, columns"
        " from metadata.object_version where object_id = %s and run_id = %s {}"
    ).format(sql.SQL("for no key update" if locked else ""))
    row = connection.execute(statement, (object_id, run_id)).fetchone()
    if row is None:
        raise RunNotActiveError("another run has taken this file over", run_id=run_id, object_id=object_id)
    return ClaimedObject(*row)


def lock(connection: Connection, name: str) -> None:
    """Be the only one at `name` (a row of metadata.lock) until the transaction ends; wait for who is at it now.

    Not an advisory lock: any role could take that, and hold the load up.
    """
    if connection.execute("select from metadata.lock where name = %s for update", (name,)).rowcount != 1:
        raise MigrationError("there is no such lock: migrate the database", name=name)
