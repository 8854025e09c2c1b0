"""The serving copy of the vault: what a run has appended to the Iceberg tables stands in PostgreSQL's tables too.

Marts, checks, lists, as-of and history read PostgreSQL; they so see what the recorded snapshots hold, and no more. The
rows are copied in the transaction that records the snapshots: either both are there or none.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from psycopg import sql

from functions.common.database import Connection
from functions.engine.stored_job import appended_lines, read_result
from functions.engine.vault_job import LedgerMovedError, record_job
from functions.load.statistics import refresh_statistics
from functions.model.declaration import Model
from functions.model.render.spark.names import FRACTION_DIGITS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A decimal of many digits is rounded in Iceberg's table; the staged row that it comes from has all of them.
_EXACT = """insert into {table} ({columns})
select {values}
from pg_temp.served as v
left join {staging} as s on s.object_id = v.record_source and s.row_number = v.record_row"""


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
            copied = _copy(connection, model, table, appended["columns"], appended_lines(s3, uri, table))
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


def _copy(connection: Connection, model: Model, table: str, columns: list[str], lines: Iterable[bytes]) -> int:
    target = sql.Identifier("raw_vault", table)
    decimals = _decimals(model, table)
    if not decimals or not _are_finer(connection, model.satellites[table].source, decimals):
        return _copy_lines(connection, lines, target, columns)
    names = {
        "table": target,
        "columns": sql.SQL(", ").join(map(sql.Identifier, columns)),
        "staging": sql.Identifier("staging", model.satellites[table].source),
        "values": sql.SQL(", ").join(
            sql.SQL("coalesce(s.{0}, v.{0})" if name in decimals else "v.{0}").format(sql.Identifier(name))
            for name in columns
        ),
    }
    connection.execute(sql.SQL("create temp table served as select {columns} from {table} limit 0").format(**names))
    _copy_lines(connection, lines, sql.Identifier("pg_temp", "served"), columns)
    copied = connection.execute(sql.SQL(_EXACT).format(**names)).rowcount
    connection.execute("drop table pg_temp.served")
    return copied


def _decimals(model: Model, table: str) -> list[str]:
    satellite = model.satellites.get(table)
    if satellite is None:
        return []
    columns = model.sources[satellite.source].columns
    return [name for name in satellite.columns if columns[name].type == "decimal"]


def _are_finer(connection: Connection, source: str, decimals: list[str]) -> bool:
    """Whether a staged one has more digits than an Iceberg table has room for, which rounds it."""
    row = connection.execute(
        sql.SQL("select exists (select from {} where greatest({}) > {})").format(
            sql.Identifier("staging", source),
            sql.SQL(", ").join(sql.SQL("min_scale({})").format(sql.Identifier(name)) for name in decimals),
            FRACTION_DIGITS,
        )
    ).fetchone()
    return row == (True,)


def _copy_lines(connection: Connection, lines: Iterable[bytes], table: sql.Identifier, columns: list[str]) -> int:
    statement = sql.SQL("copy {} ({}) from stdin").format(table, sql.SQL(", ").join(map(sql.Identifier, columns)))
    cursor = connection.cursor()
    with cursor.copy(statement) as copying:
        for some in lines:
            copying.write(some)
    return cursor.rowcount
