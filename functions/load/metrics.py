"""The load's metrics for CloudWatch: what a run did with rows and files, and what its checks found."""

from collections.abc import Iterable, Mapping
from typing import Any

from functions.common.metrics import emit_counts
from functions.quality.results import CheckResult

ROWS = {
    "RowsRead": "rows_read",
    "RowsLoaded": "loaded",
    "RowsUnchanged": "unchanged",
    "RowsDuplicate": "duplicate",
    "RowsQuarantined": "quarantined",
}
"""Metric -> its count in a report's totals."""

FILES = {"FilesLoaded": "LOADED", "FilesRejected": "REJECTED", "FilesUnreadable": "UNREADABLE", "FilesHeld": "HELD"}
"""Metric -> the status of the files that it counts."""

WAITING = "FilesWaiting"
WARNINGS = "CheckWarnings"
ERRORS = "CheckErrors"
UNRECONCILED = "Unreconciled"
_RECONCILIATION = ("rows.accounted", "measures.reconciled")


def emit_run(report: Mapping[str, Any]) -> None:
    """Emit the counts of a finished run's report (functions/load/plan/finish.py)."""
    emit_counts(
        {
            **{metric: report["totals"][count] for metric, count in ROWS.items()},
            **{metric: report["statuses"].get(status, 0) for metric, status in FILES.items()},
            WAITING: report["files_waiting"],
        },
        run_id=report["run_id"],
    )


def emit_checks(run_id: str, results: Iterable[CheckResult]) -> None:
    """Emit how many checks of one step failed, and how many files, measures or rows do not add up."""
    failed = [result for result in results if not result.passed]
    emit_counts(
        {
            WARNINGS: sum(result.severity == "warn" for result in failed),
            ERRORS: sum(result.severity == "error" for result in failed),
            UNRECONCILED: sum(int(result.measured or 1) for result in failed if result.rule in _RECONCILIATION),
        },
        run_id=run_id,
    )
