"""Write to the ledger that a run goes on."""

from functions.common.database import Connection


def reopen(connection: Connection, run_id: str, redrive_count: int) -> None:
    """Let a failed run go on, which Step Functions has redriven for the `redrive_count`-th time; once for each time.

    It goes on with what no other run has taken over meanwhile.
    """
    connection.execute(
        "update metadata.load_run"
        " set status = 'RUNNING', finished_at = null, error = null, cause = null, redrive_count = %(count)s"
        " where run_id = %(run_id)s and status in ('FAILED', 'TIMED_OUT', 'ABORTED') and redrive_count < %(count)s",
        {"run_id": run_id, "count": redrive_count},
    )
