"""The result of a check: how it is kept, and when it stops the run."""

from dataclasses import dataclass
from decimal import Decimal

from functions.common.database import Connection
from functions.common.errors import QualityError
from functions.common.sql_files import read_sql
from functions.model.quality_rules import Severity


@dataclass(frozen=True)
class CheckResult:
    """One rule's result. `observed` puts it into words, with counts, keys of files and ids, but no cell.

    `measured` is what the rule counts and `threshold` the limit in force, as the model writes it.
    """

    rule: str
    severity: Severity
    passed: bool
    observed: str
    source: str | None = None
    measured: Decimal | int | None = None
    threshold: str | None = None


def keep(connection: Connection, run_id: str, stage: str, results: list[CheckResult]) -> list[CheckResult]:
    """Write the results to metadata.quality_result, over those of an earlier attempt, and return them."""
    with connection.cursor() as cursor:
        cursor.executemany(
            read_sql("quality/keep_result.sql"),
            [
                (run_id, stage, r.rule, r.severity, r.passed, r.observed, r.source, r.measured, r.threshold)
                for r in results
            ],
        )
    return results


def enforce(results: list[CheckResult]) -> None:
    """Raise QualityError naming every rule of severity error that failed."""
    failed = [
        f"{result.rule}: {result.observed}" for result in results if not result.passed and result.severity == "error"
    ]
    if failed:
        raise QualityError("; ".join(failed))
