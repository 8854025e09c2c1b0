"""Record how a run ended when its state machine could not: failed, timed out or aborted."""

from dataclasses import dataclass
from datetime import datetime

from functions.common.database import Connection

_RECORD = """insert into metadata.load_run as held (
    run_id, execution_arn, status, started_at, finished_at, error, cause
)
values (%(run_id)s, %(execution_arn)s, %(status)s, %(started_at)s, %(finished_at)s, %(error)s, %(cause)s)
on conflict (run_id) do update set
    status = excluded.status,
    finished_at = excluded.finished_at,
    error = excluded.error,
    cause = excluded.cause
where held.status = 'RUNNING'"""


@dataclass(frozen=True)
class EndedExecution:
    """How an execution ended, as Step Functions tells it. `status`: FAILED, TIMED_OUT or ABORTED."""

    run_id: str
    execution_arn: str
    status: str
    started_at: datetime
    finished_at: datetime
    error: str | None
    cause: str | None


def record_end(connection: Connection, ended: EndedExecution) -> bool:
    """Write the end of a run to the ledger, also of one that never came to be planned; its files are free again.

    Returns whether anything was written: a run whose end is known keeps it, so telling it twice is harmless.
    """
    return connection.execute(_RECORD, vars(ended)).rowcount == 1
