"""Checks before and after the vault is loaded. Every result is kept in metadata.quality_result."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import QualityError
from functions.load.ledger import active_run, objects_of
from functions.load.model import Model
from functions.quality.accounts import account, unreconciled

type Severity = Literal["warn", "error"]


@dataclass(frozen=True)
class CheckResult:
    """One rule's result. `observed` says in words what was found; it holds counts and ids, no personal data."""

    rule: str
    severity: Severity
    passed: bool
    observed: str


def check_staging(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """What the files brought: are all rows there, and how much was set aside? Raises nothing, see `enforce`."""
    active_run(connection, run_id)
    for source in model.sources:
        keys = [sql.Identifier(name) for name in ("object_id", *model.hashes(source))]
        connection.execute(
            sql.SQL("analyze {} ({})").format(sql.Identifier("staging", source), sql.SQL(", ").join(keys))
        )
    object_ids = objects_of(connection, run_id, ["STAGED"])
    results = [_rows_staged(connection, source, object_ids) for source in model.sources]
    results.append(_rejected_rows(connection, object_ids))
    results.append(_rejected_files(connection, run_id))
    return _kept(connection, run_id, "staging", results)


def check_vault(connection: Connection, model: Model, run_id: str) -> list[CheckResult]:
    """What the vault made of it: does every key exist, and does every row of every file add up?"""
    active_run(connection, run_id)
    object_ids = objects_of(connection, run_id, ["STAGED"])
    account(connection, model, object_ids)
    results = [
        *_keys_loaded(connection, model, object_ids),
        _accounts_balance(connection, object_ids),
        _measures_reconcile(connection, object_ids),
    ]
    return _kept(connection, run_id, "vault", results)


def enforce(results: list[CheckResult]) -> None:
    """Raise QualityError naming every rule of severity error that failed."""
    failed = [
        f"{result.rule}: {result.observed}" for result in results if not result.passed and result.severity == "error"
    ]
    if failed:
        raise QualityError("; ".join(failed))


def _rows_staged(connection: Connection, source: str, object_ids: list[int]) -> CheckResult:
    wrong = connection.execute(
        sql.SQL(
            "select o.object_id from metadata.object_version as o"
            " where o.object_id = any(%s) and o.source = %s and o.rows_read - o.rows_quarantined"
            " <> (select count(*) from {} as s where s.object_id = o.object_id)"
        ).format(sql.Identifier("staging", source)),
        (object_ids, source),
    ).fetchall()
    return CheckResult(
        f"{source}.rows_staged", "error", not wrong, f"objects with rows missing: {[row[0] for row in wrong]}"
    )


def _rejected_rows(connection: Connection, object_ids: list[int]) -> CheckResult:
    row = connection.execute(
        "select coalesce(sum(rows_quarantined), 0), coalesce(sum(rows_read), 0)"
        " from metadata.object_version where object_id = any(%s)",
        (object_ids,),
    ).fetchone()
    rejected, read = row or (0, 0)
    return CheckResult("rows.rejected", "warn", rejected == 0, f"{rejected} of {read} rows are in quarantine")


def _rejected_files(connection: Connection, run_id: str) -> CheckResult:
    rejected = objects_of(connection, run_id, ["REJECTED"])
    return CheckResult("files.rejected", "warn", not rejected, f"{len(rejected)} files were rejected")


def _keys_loaded(connection: Connection, model: Model, object_ids: list[int]) -> Iterator[CheckResult]:
    """Every hash key that staging computed must be in its hub or link: the vault has no foreign keys to say so."""
    for source in model.sources:
        for staged, parent in model.hashes(source).items():
            row = connection.execute(
                sql.SQL(
                    "select count(*) from {} as s where s.object_id = any(%s)"
                    " and not exists (select from {} as p where p.{} = s.{})"
                ).format(
                    sql.Identifier("staging", source),
                    sql.Identifier("raw_vault", parent),
                    sql.Identifier(model.hash_key(parent)),
                    sql.Identifier(staged),
                ),
                (object_ids,),
            ).fetchone()
            orphans = row[0] if row else 0
            yield CheckResult(f"{source}.{parent}.loaded", "error", orphans == 0, f"{orphans} rows without their key")


def _accounts_balance(connection: Connection, object_ids: list[int]) -> CheckResult:
    """Rows read = loaded + unchanged + duplicate + quarantined, for each file, with quarantine itself counted."""
    wrong = connection.execute(
        "select o.object_id from metadata.object_version as o"
        " where o.object_id = any(%s) and o.rows_read is distinct from"
        " o.rows_loaded + o.rows_unchanged + o.rows_duplicate"
        " + (select count(*) from metadata.quarantine as q where q.object_id = o.object_id)",
        (object_ids,),
    ).fetchall()
    return CheckResult("rows.accounted", "error", not wrong, f"objects that do not add up: {[row[0] for row in wrong]}")


def _measures_reconcile(connection: Connection, object_ids: list[int]) -> CheckResult:
    wrong = unreconciled(connection, object_ids)
    return CheckResult("measures.reconciled", "error", not wrong, f"sums that differ on the way: {wrong}")


def _kept(connection: Connection, run_id: str, stage: str, results: list[CheckResult]) -> list[CheckResult]:
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into metadata.quality_result (run_id, stage, rule, severity, passed, observed)"
            " values (%s, %s, %s, %s, %s, %s) on conflict (run_id, stage, rule) do update"
            " set severity = excluded.severity, passed = excluded.passed, observed = excluded.observed,"
            " checked_at = now()",
            [(run_id, stage, r.rule, r.severity, r.passed, r.observed) for r in results],
        )
    return results
