"""Carry out the retention that the model declares, after each run, and report what was removed."""

from typing import Any

from functions.audit.chain import append
from functions.common.database import Connection
from functions.common.logging import logger
from functions.load.recorded_step import recorded_step


def enforce_retention(connection: Connection, run_id: str) -> dict[str, Any]:
    """`stores`: for each store and class of data, `before` which nothing is kept, and how many `records` were removed.

    `records` counts rows, of events partitions (days); null: others were using the store, and the next run tries again.
    """
    with recorded_step(connection, run_id, "retention") as step:
        removed = [
            {"store": store, "class": kind, "before": before.isoformat(), "records": records}
            for store, kind, before, records in connection.execute(
                "select store, class, before, records from metadata.enforce_retention()"
            )
        ]
        step.rows = sum(each["records"] or 0 for each in removed)
        gone = {f"{each['store']} ({each['class']})": each["records"] for each in removed if each["records"]}
        if gone:
            append(connection, "remove", run_id=run_id, stores=gone)
    for each in removed:
        if each["records"] is None:
            logger.warning("a store was in use and keeps what it should not until the next run", extra=each)
    return {"stores": removed}
