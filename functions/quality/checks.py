"""Checks before and after the vault is loaded. Every result is kept in metadata.quality_result."""

from psycopg import sql

from functions.common.database import Connection
from functions.common.ledger import active_run, objects_of
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.quality.integrity import check_integrity
from functions.quality.keys import check_keys
from functions.quality.reconciliation import record_counts, unreconciled
from functions.quality.results import CheckResult, enforce, keep
from functions.quality.rows import check_rows
from functions.quality.volume_and_freshness import check_count, check_freshness, check_future

__all__ = ["CheckResult", "check_staging", "check_vault", "enforce"]


def check_staging(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """What the files brought: are all rows there, are they as expected, and how much was set aside?

    Raises nothing about the data, see `enforce`; ModelError when a declared pattern is none.
    """
    active_run(connection, run_id)
    _prepare(connection)
    # most keys are distinct, so a small sample says as much as a large one
    connection.execute("set local default_statistics_target = 20")
    for source in model.sources:
        keys = [sql.Identifier(name) for name in ("object_id", *model.hashes(source))]
        connection.execute(
            sql.SQL("analyze {} ({})").format(sql.Identifier("staging", source), sql.SQL(", ").join(keys))
        )
    object_ids = objects_of(connection, run_id, ["STAGED"])
    results: list[CheckResult] = []
    for source, rows in _rows_of(connection, model, object_ids).items():
        results += check_rows(connection, model, source, object_ids)
        results.append(check_count(connection, model, run_id, source, rows))
    results.append(_rejected_rows(connection, model, object_ids))
    results.append(_rejected_files(connection, model, run_id))
    return keep(connection, run_id, "staging", results)


def check_vault(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """What the vault made of it: does every key exist, does every row add up? And are files late?

    Also of a night without files, of which only the last question asks anything.
    """
    active_run(connection, run_id)
    _prepare(connection)
    object_ids = objects_of(connection, run_id, ["STAGED"])
    record_counts(connection, model, object_ids)
    results = [
        *check_integrity(connection, model, object_ids),
        _rows_reconcile(connection, object_ids),
        _measures_reconcile(connection, object_ids),
        *check_keys(connection, model, object_ids),
        *check_freshness(connection, model, run_id),
        *check_future(connection, model, run_id),
    ]
    return keep(connection, run_id, "vault", results)


def _prepare(connection: Connection) -> None:
    connection.execute("set local work_mem = '64MB'")
    # compiling a wide expression takes longer than evaluating it for a night's rows
    connection.execute("set local jit = off")


def _rows_of(connection: Connection, model: Model, object_ids: list[int]) -> dict[str, int]:
    """Source -> rows read from its files, of the sources that these objects are of, in the model's order."""
    read: dict[str, int] = dict(
        connection.execute(
            "select source, sum(rows_read)::bigint from metadata.object_version where object_id = any(%s) group by 1",
            (object_ids,),
        ).fetchall()
    )
    return {source: read[source] for source in model.sources if source in read}


def _rejected_rows(connection: Connection, model: Model, object_ids: list[int]) -> CheckResult:
    row = connection.execute(
        "select coalesce(sum(rows_quarantined), 0)::bigint, coalesce(sum(rows_read), 0)::bigint"
        " from metadata.object_version where object_id = any(%s)",
        (object_ids,),
    ).fetchone()
    rejected, read = row or (0, 0)
    rule = model.quality.rejected_rows
    observed = f"{rejected} of {read} rows are in quarantine"
    passed = rule.limit.allows(rejected, read)
    return CheckResult("rows.rejected", rule.severity, passed, observed, None, rejected, str(rule.limit))


def _rejected_files(connection: Connection, model: Model, run_id: str) -> CheckResult:
    rejected = len(objects_of(connection, run_id, ["REJECTED"]))
    files = len(objects_of(connection, run_id, ["STAGED"])) + rejected
    rule = model.quality.rejected_files
    observed = f"{rejected} of {files} files were rejected"
    passed = rule.limit.allows(rejected, files)
    return CheckResult("files.rejected", rule.severity, passed, observed, None, rejected, str(rule.limit))


def _rows_reconcile(connection: Connection, object_ids: list[int]) -> CheckResult:
    """Rows read = loaded + unchanged + duplicate + quarantined, for each file, with quarantine itself counted."""
    wrong = connection.execute(read_sql("quality/unreconciled_rows.sql"), (object_ids,)).fetchall()
    observed = f"objects that do not add up: {[row[0] for row in wrong]}"
    return CheckResult("rows.accounted", "error", not wrong, observed, None, len(wrong), "0")


def _measures_reconcile(connection: Connection, object_ids: list[int]) -> CheckResult:
    wrong = unreconciled(connection, object_ids)
    observed = f"sums that differ on the way: {wrong}"
    return CheckResult("measures.reconciled", "error", not wrong, observed, None, len(wrong), "0")
