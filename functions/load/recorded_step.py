"""Record in the ledger what a step of the load did, and how long it took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from functions.common.database import Connection


@dataclass
class StepRows:
    """How many rows a step wrote; the step fills it in."""

    rows: int = 0


@contextmanager
def recorded_step(connection: Connection, run_id: str, step: str, object_id: int | None = None) -> Iterator[StepRows]:
    """Record a step with its wall-clock times, in the step's own transaction: it is there if the work is."""
    began = time.monotonic()
    counted = StepRows()
    yield counted
    connection.execute(
        "insert into metadata.load_step (run_id, step, object_id, started_at, finished_at, rows)"
        " values (%s, %s, %s, clock_timestamp() - make_interval(secs => %s), clock_timestamp(), %s)",
        (run_id, step, object_id, time.monotonic() - began, counted.rows),
    )
