"""The complete lists that wait for somebody to accept, replace or drop them."""

from typing import Any

from functions.common.database import Connection


def held_lists(connection: Connection) -> list[dict[str, Any]]:
    """Each held object: `key`, `effective_at` (ISO 8601), `reason`, `run_id` of the run that held it."""
    rows = connection.execute(
        "select object_key, effective_at, reason, run_id from metadata.object_version"
        " where status = 'HELD' order by effective_at, object_key"
    )
    return [{"key": key, "effective_at": at.isoformat(), "reason": why, "run_id": run} for key, at, why, run in rows]
