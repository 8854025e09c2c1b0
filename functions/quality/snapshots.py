"""The snapshot guard: a complete list from which too many keys are missing is held before the vault believes it.

The files below snapshot/ of one source and one instant are one list. It is compared with what is in force just before
its instant, with what this run's own files say before it too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from functions.common.database import Connection
from functions.common.sql_files import read_sql
from functions.model.declaration import Model
from functions.model.render.lists import render_missing_keys
from functions.quality.results import CheckResult


@dataclass(frozen=True)
class ListVerdict:
    """What the guard says of a list: `reason` to hold it, or None; `missing` of `alive` keys would be deleted."""

    source: str
    object_ids: list[int]
    keys: list[str]
    missing: int
    alive: int
    reason: str | None


def judge_lists(connection: Connection, model: Model, run_id: str) -> list[ListVerdict]:
    """Judge the run's staged lists, in the order of their instants. A list that is held counts for none after it."""
    verdicts: list[ListVerdict] = []
    last: dict[str, tuple[datetime, list[int]]] = {}
    held: set[int] = set()
    accepted = _accepts_deletions(connection, run_id)
    staged = connection.execute(
        "select object_id, source, effective_at, is_snapshot from metadata.object_version"
        " where run_id = %s and status = 'STAGED'",
        (run_id,),
    ).fetchall()
    lists = connection.execute(read_sql("quality/staged_lists.sql"), {"run_id": run_id}).fetchall()
    for source, effective_at, object_ids, keys, unread in lists:
        since, earlier = last.get(source, (None, []))
        deltas = [
            object_id
            for object_id, of_source, at, is_snapshot in staged
            if of_source == source and not is_snapshot and at < effective_at and (since is None or at > since)
        ]
        parameters = {
            "effective_at": effective_at,
            "since": since,
            "before": [each for each in (*earlier, *deltas) if each not in held],
            "list": object_ids,
        }
        missing, alive = 0, 0
        for status in _status_satellites(model, source):
            row = connection.execute(render_missing_keys(model, status), parameters).fetchone()
            missing, alive = max((missing, alive), (row[0], row[1])) if row else (missing, alive)
        reason = None if accepted else _reason(model, missing, alive, unread)
        verdicts.append(ListVerdict(source, object_ids, keys, missing, alive, reason))
        if reason is None:
            last[source] = (effective_at, object_ids)
        else:
            held.update(object_ids)
    return verdicts


def results(model: Model, verdicts: list[ListVerdict]) -> Iterator[CheckResult]:
    """One result for each source with lists: the list that would mark the most keys deleted, the held ones first."""
    rule = model.quality.snapshot
    for source in sorted({verdict.source for verdict in verdicts}):
        worst = max(
            (verdict for verdict in verdicts if verdict.source == source),
            key=lambda each: (each.reason is not None, each.missing, each.alive),
        )
        observed = f"{worst.keys[0]} would mark {worst.missing} of {worst.alive} keys deleted"
        if worst.reason is not None:
            observed = f"{worst.keys[0]} is held: {worst.reason}"
        # a list that is held is no reason to stop the others
        yield CheckResult(
            f"{source}.snapshot",
            "warn",
            worst.reason is None,
            observed,
            source,
            worst.missing,
            f"{rule.limit}, at least {rule.at_least}",
        )


def _reason(model: Model, missing: int, alive: int, unread: int) -> str | None:
    rule = model.quality.snapshot
    if missing and unread:
        return (
            f"it would mark {missing} of {alive} keys deleted, and of {unread} of its rows the key cannot be read:"
            " correct it, or accept it with c360 lists accept"
        )
    if rule.severity == "warn" or missing <= rule.at_least or rule.limit.allows(missing, alive):
        return None
    return (
        f"it would mark {missing} of {alive} keys deleted, more than {rule.limit}: replace it, or accept it with"
        " c360 lists accept, or drop it with c360 lists drop"
    )


def _accepts_deletions(connection: Connection, run_id: str) -> bool:
    row = connection.execute("select accept_deletions from metadata.load_run where run_id = %s", (run_id,)).fetchone()
    return bool(row and row[0])


def _status_satellites(model: Model, source: str) -> list[str]:
    """The satellites that keep the status of the source's keys."""
    return [name for name, each in model.satellites.items() if each.source == source and each.status_of is not None]
