"""The snapshot guard: a complete list from which too many keys are missing is stopped before the vault believes it."""

from collections.abc import Iterator

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.model.render_checks import render_missing_keys
from functions.quality.results import CheckResult


def check_snapshots(
    connection: Connection, model: Model, object_ids: list[int], *, accept_deletions: bool
) -> Iterator[CheckResult]:
    """One result for each source with staged snapshots: the file that would mark the most keys deleted.

    Each file is compared with the vault as it is before this run. With `accept_deletions` any number passes, and the
    result says so.
    """
    rule = model.quality.snapshot
    counts: dict[str, list[tuple[bool, int, int, str]]] = {}
    snapshots = connection.execute(read_sql("quality/staged_snapshots.sql"), (object_ids,)).fetchall()
    for object_id, key, source, effective_at in snapshots:
        for status in _status_satellites(model, source):
            statement = render_missing_keys(model, status)
            row = connection.execute(statement, {"object_id": object_id, "effective_at": effective_at}).fetchone()
            missing, alive = row or (0, 0)
            passed = missing <= rule.at_least or rule.limit.allows(missing, alive)
            counts.setdefault(source, []).append((not passed, missing, alive, key))
    for source, files in counts.items():
        too_many, missing, alive, key = max(files)
        observed = f"{key} would mark {missing} of {alive} keys deleted"
        if too_many and accept_deletions:
            observed += ", which was accepted"
        elif too_many:
            observed += (
                f", more than {rule.limit}: delete or replace it, or say that it is right (c360 run --accept-deletions)"
            )
        yield CheckResult(
            f"{source}.snapshot",
            rule.severity,
            accept_deletions or not too_many,
            observed,
            source,
            missing,
            f"{rule.limit}, at least {rule.at_least}",
        )


def _status_satellites(model: Model, source: str) -> list[str]:
    """The satellites that keep the status of the source's keys."""
    return [name for name, each in model.satellites.items() if each.source == source and each.status_of is not None]
