"""The serving copy of the vault: what a run has appended to the Iceberg tables stands in PostgreSQL's tables too.

Marts, checks, lists, as-of and history read PostgreSQL; they so see what the recorded snapshots hold, and no more. The
rows are copied in the transaction that records the snapshots: either both are there or none.
"""

from typing import TYPE_CHECKING, Any

from psycopg import sql

from functions.common.database import Connection
from functions.engine.stored_job import appended_lines, read_result
from functions.engine.vault_job import LedgerMovedError, record_job
from functions.load.statistics import refresh_statistics
from functions.model.declaration import Model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def record_and_serve(connection: Connection, model: Model, s3: "S3Client", run_id: str, uri: str) -> dict[str, int]:
    """Record in the ledger what Spark has done of the job at `uri`, and copy its rows; new rows by table.

    Again: changes nothing, and returns nothing. Raises RunNotActiveError, LakeUnavailableError, and LedgerMovedError
    when the ledger no longer says what the job was written from, or the copy would not be whole.
    """
    result = read_result(s3, uri)
    with connection.transaction():
        if _is_recorded(connection, run_id, result):
            return {}
        inserted = record_job(connection, model, run_id, result)
        connection.execute(
            "select raw_vault.open_tracking_month(effective_at) from metadata.object_version"
            " where run_id = %s and status = 'STAGED'",
            (run_id,),
        )
        for table, appended in result["appended"].items():
            copied = _copy(connection, s3, uri, table, appended["columns"])
            if copied != appended["rows"]:
                raise LedgerMovedError(
                    f"Spark has appended {appended['rows']} rows, and {copied} of them reached PostgreSQL",
                    table=table,
                    run_id=run_id,
                )
            refresh_statistics(connection, "raw_vault", table, copied)
    return inserted


def _is_recorded(connection: Connection, run_id: str, result: dict[str, Any]) -> bool:
    row = connection.execute(
        "select exists (select from metadata.vault_snapshot where run_id = %s and snapshot_id = any(%s))",
        (run_id, list(result["snapshots"].values())),
    ).fetchone()
    return row == (True,)


def _copy(connection: Connection, s3: "S3Client", uri: str, table: str, columns: list[str]) -> int:
    statement = sql.SQL("copy {} ({}) from stdin").format(
        sql.Identifier("raw_vault", table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    cursor = connection.cursor()
    with cursor.copy(statement) as copying:
        for lines in appended_lines(s3, uri, table):
            copying.write(lines)
    return cursor.rowcount
