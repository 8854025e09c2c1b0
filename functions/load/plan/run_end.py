"""Record how a run ended when its state machine could not: failed, timed out or aborted."""

from dataclasses import dataclass
from datetime import datetime

from functions.common.database import Connection
from functions.common.sql_files import read_sql


@dataclass(frozen=True)
class EndedExecution:
    """How an execution ended, as Step Functions reports it. `status`: FAILED, TIMED_OUT or ABORTED."""

    run_id: str
    execution_arn: str
    status: str
    started_at: datetime
    finished_at: datetime
    error: str | None
    cause: str | None


def record_end(connection: Connection, ended: EndedExecution) -> bool:
    """Write the end of a run to the ledger, also of one that was never planned; its files are free again.

    Returns whether anything was written: a run whose end is known keeps it, so recording it twice is harmless.
    """
    return connection.execute(read_sql("load/record_run_end.sql"), vars(ended)).rowcount == 1
