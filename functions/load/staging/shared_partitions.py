"""Partitions of staging that small files share, where a run has very many: whose they are, made, and given back.

Which objects share one, the claim decides for good (`metadata.shared_partition`), since partitions may not overlap. By
a lock on its row there, who stages a file of it keeps it from being dropped, and who makes it keeps others from that.
"""

from collections.abc import Sequence

from psycopg import sql

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.render.staging import SharedPartition, render_shared_table

SHARED_FROM = 100
"""So many new files at least: few ones have a partition each, which several cores fill at once."""

SMALL_BYTES = 8 << 20
"""A larger file has a partition of its own, even among many."""

SHARED_FILES = 256
SHARED_BYTES = 64 << 20
"""A partition is shared by so many files, of so many bytes, at most; its index finds the rows of one of them."""

SHARED_COUNTS = 2
"""Locks that a statement takes of a shared partition: its own and its index's."""


def claim_parameters(most_partitions: int) -> dict[str, int]:
    """What load/claim_objects.sql asks about sharing. Fewer files than there is room for need not share."""
    return {
        "most_partitions": most_partitions,
        "shared_from": min(SHARED_FROM, most_partitions),
        "small_bytes": SMALL_BYTES,
        "shared_files": SHARED_FILES,
        "shared_bytes": SHARED_BYTES,
        "shared_counts": SHARED_COUNTS,
    }


def shared_by(connection: Connection, object_id: int) -> SharedPartition | None:
    """The partition that the file shares, which nobody drops until the transaction ends; None: it shares none."""
    row = connection.execute(read_sql("load/keep_shared_partition.sql"), (object_id,)).fetchone()
    return None if row is None else SharedPartition(*row)


def make_shared(connection: Connection, shared: SharedPartition) -> bool:
    """Make the partition's table if it is not there, and say whether it was made; it is to be attached then.

    Others that need it wait until this transaction ends.
    """
    if _is_there(connection, shared):
        return False
    connection.execute(
        "select from metadata.shared_partition where first_object = %s for no key update", (shared.first_object,)
    )
    if _is_there(connection, shared):
        return False
    for statement in render_shared_table(shared):
        connection.execute(statement)
    return True


def _is_there(connection: Connection, shared: SharedPartition) -> bool:
    # not to_regclass: after waiting for a lock, it may not see yet what has been committed meanwhile
    return bool(
        connection.execute(
            "select from pg_tables where schemaname = 'staging' and tablename = %s", (shared.name,)
        ).rowcount
    )


def shared_of_run(connection: Connection, run_id: str) -> list[SharedPartition]:
    """The shared partitions that are there and belong to objects of the run, in order."""
    rows = connection.execute(read_sql("load/shared_partitions_of_run.sql"), (run_id,))
    return [SharedPartition(*row) for row in rows]


def leave_shared(connection: Connection, run_id: str, partitions: Sequence[SharedPartition]) -> None:
    """Drop these partitions, or take the run's rows out of those in which other runs have staged files.

    To be called before anything else in the transaction is dropped: who is staging a file is waited for, and that one
    may be waiting for the table that partitions are dropped from.
    """
    connection.execute(
        "select from metadata.shared_partition where first_object = any(%s) order by first_object for update",
        ([shared.first_object for shared in partitions],),
    )
    for shared in partitions:
        others = connection.execute(
            "select from metadata.object_version where source = %s and object_id >= %s and object_id < %s"
            " and run_id <> %s and status = 'STAGED' limit 1",
            (shared.source, shared.first_object, shared.end_object, run_id),
        )
        if others.rowcount:
            connection.execute(
                sql.SQL(
                    "delete from {} where object_id in (select object_id from metadata.object_version"
                    " where run_id = {})"
                ).format(shared.table, run_id)
            )
        else:
            connection.execute(sql.SQL("drop table if exists {}").format(shared.table))
