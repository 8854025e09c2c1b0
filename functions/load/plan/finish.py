"""Finish a run: its objects count as loaded, staging is emptied, and the report says what became of every row."""

import json
from collections import Counter
from itertools import batched
from typing import Any

from psycopg import sql

from functions.audit.chain import append
from functions.common.database import Connection
from functions.common.ledger import RunNotActiveError, objects_of
from functions.load.recorded_step import recorded_step
from functions.load.staging.repeated_rows import forget_repeated_rows
from functions.load.staging.shared_partitions import leave_shared, shared_of_run
from functions.model.render.staging import StagedPart

type Report = dict[str, Any]

FILES_LIMIT_BYTES = 200_000
"""Step Functions passes on 256 KiB from a state ("Step Functions service quotas"); the rest of the report is small."""

PARTS_DROPPED_AT_ONCE = 500
"""Dropping a partition of staging takes five locks until the transaction ends, of some ten thousand that there are."""

CHECKS_SHOWN = 100
RETRACTED_SHOWN = 100
_OBSERVED_SHOWN = 300  # characters of what a check saw

_FILE_COUNTS = ("rows_read", "loaded", "unchanged", "duplicate", "quarantined", "overruled")


def finish(connection: Connection, run_id: str) -> Report:
    """Mark the run SUCCEEDED and return its report; of a run that has succeeded, only return the report.

    The report holds `run_id`, `status`, `files` (a row of counts for each), `steps` (seconds and rows) and `totals`.
    Raises RunNotActiveError when the run failed or was never planned.
    """
    row = connection.execute("select status from metadata.load_run where run_id = %s for update", (run_id,)).fetchone()
    status = row[0] if row else None
    if status == "RUNNING":
        object_ids = objects_of(connection, run_id, ["STAGED"])
        with recorded_step(connection, run_id, "finish") as step:
            step.rows = len(object_ids)
            leave_shared(connection, run_id, shared_of_run(connection, run_id))
            _drop(connection, _parts(connection, run_id))
            forget_repeated_rows(connection, object_ids)
            connection.execute(
                "update metadata.object_version set status = 'LOADED' where object_id = any(%s)", (object_ids,)
            )
            connection.execute("select raw_vault.forget_tracking()")
        connection.execute(
            "update metadata.load_run set status = 'SUCCEEDED', finished_at = clock_timestamp() where run_id = %s",
            (run_id,),
        )
        append(connection, "load", run_id=run_id, **_changed(connection, run_id))
    elif status != "SUCCEEDED":
        raise RunNotActiveError("this run is not active", run_id=run_id, status=status)
    return report(connection, run_id)


def _changed(connection: Connection, run_id: str) -> dict[str, Any]:
    """How many files the run has loaded, and how many of their rows said something new."""
    files, records = connection.execute(
        "select count(*), coalesce(sum(rows_loaded), 0)::bigint from metadata.object_version"
        " where run_id = %s and status = 'LOADED'",
        (run_id,),
    ).fetchone() or (0, 0)
    return {"files": files, "records": records}


def empty_staging(connection: Connection, run_id: str) -> None:
    """Drop the partitions of staging that the run's objects filled, PARTS_DROPPED_AT_ONCE in a transaction each.

    Of partitions that files of other runs share, only the run's rows go.

    To be called when only `finish` is left, without an open transaction. A run that dies meanwhile is taken over as one
    that has lost its staging: what is left of it is staged again. Of a run that is not active: nothing.
    """
    with connection.transaction():
        shared = shared_of_run(connection, run_id)
    for some in batched(shared, PARTS_DROPPED_AT_ONCE):
        with connection.transaction():
            if not _is_running(connection, run_id):
                return
            leave_shared(connection, run_id, some)
    while True:
        with connection.transaction():
            parts = _parts(connection, run_id) if _is_running(connection, run_id) else []
            _drop(connection, parts[:PARTS_DROPPED_AT_ONCE])
        if len(parts) <= PARTS_DROPPED_AT_ONCE:
            return


def _is_running(connection: Connection, run_id: str) -> bool:
    row = connection.execute("select status from metadata.load_run where run_id = %s", (run_id,)).fetchone()
    return row == ("RUNNING",)


def _parts(connection: Connection, run_id: str) -> list[StagedPart]:
    """The partitions of staging that the run's objects fill."""
    rows = connection.execute(
        "select o.source, o.object_id, p.part from metadata.object_version as o"
        " join metadata.object_part as p using (object_id)"
        " join pg_class as c on c.relnamespace = 'staging'::regnamespace"
        " and c.relname = 'part_' || p.object_id || '_' || p.part where o.run_id = %s",
        (run_id,),
    )
    return [StagedPart(*row) for row in rows]


def _drop(connection: Connection, parts: list[StagedPart]) -> None:
    for part in parts:
        connection.execute(sql.SQL("drop table if exists {}").format(part.table))


def report(connection: Connection, run_id: str) -> Report:
    """What a run has done so far, as plain JSON values; of very many files, as many as the payload holds.

    Of a file, rows_read = loaded + unchanged + duplicate + quarantined; `overruled` are those of the duplicate rows
    that say something else than the later row of their key. `files_omitted` counts the other files, whose rows are
    in `totals` and in the ledger all the same; `statuses` counts all files by status; `files_waiting` those that
    were left to the next run, and `held` complete lists that wait for a decision. `ignored` names objects that were
    left alone (`ignored_count` of them), with `reason` and the `nearest` right key; `checks` are those that failed;
    `retracted` are loaded files that count no longer, taken back or replaced.
    """
    files = [
        {
            "key": row[0],
            "status": row[1],
            "reason": row[2],
            "unknown_columns": row[3],
            "renamed_columns": row[4],
            **dict(zip(_FILE_COUNTS, row[5:], strict=True)),
        }
        for row in connection.execute(
            "select object_key, status, reason, unknown_columns, renamed_columns,"
            " coalesce(rows_read, 0), coalesce(rows_loaded, 0),"
            " coalesce(rows_unchanged, 0), coalesce(rows_duplicate, 0), coalesce(rows_quarantined, 0),"
            " coalesce(rows_overruled, 0)"
            " from metadata.object_version where run_id = %s order by object_key, object_id",
            (run_id,),
        )
    ]
    steps = [
        {"step": row[0], "seconds": float(row[1]), "rows": int(row[2])}
        for row in connection.execute(
            "select step, round(extract(epoch from max(finished_at) - min(started_at)), 3), sum(rows)"
            " from metadata.load_step where run_id = %s group by step order by min(started_at)",
            (run_id,),
        )
    ]
    retracted = [
        {"key": row[0], "cause": row[1]}
        for row in connection.execute(
            "select object_key, cause from metadata.retraction as r join metadata.object_version using (object_id)"
            " where r.run_id = %s order by object_key, object_id limit %s",
            (run_id, RETRACTED_SHOWN),
        )
    ]
    totals = {count: sum(file[count] for file in files) for count in _FILE_COUNTS}
    status, waiting, ignored, ignored_count = connection.execute(
        "select status, files_waiting, ignored, ignored_count from metadata.load_run where run_id = %s", (run_id,)
    ).fetchone() or (None, 0, [], 0)
    shown = _within_payload(files)
    return {
        "run_id": run_id,
        "status": status,
        "files": shown,
        "files_omitted": len(files) - len(shown),
        "statuses": dict(Counter(file["status"] for file in files)),
        "files_waiting": waiting,
        "held": sum(file["status"] == "HELD" for file in files),
        "retracted": retracted,
        "ignored": ignored,
        "ignored_count": ignored_count,
        "checks": _failed_checks(connection, run_id),
        "steps": steps,
        "totals": totals,
    }


def _failed_checks(connection: Connection, run_id: str) -> list[Report]:
    """The run's checks that did not pass, errors first."""
    rows = connection.execute(
        "select stage, rule, severity, left(observed, %s) from metadata.quality_result where run_id = %s and not passed"
        " order by severity, stage, rule limit %s",
        (_OBSERVED_SHOWN, run_id, CHECKS_SHOWN),
    )
    return [dict(zip(("stage", "rule", "severity", "observed"), row, strict=True)) for row in rows]


def _within_payload(files: list[Report]) -> list[Report]:
    """The first files, those that were not simply loaded before the others, up to FILES_LIMIT_BYTES of JSON."""
    size = 0
    shown = []
    for file in sorted(files, key=lambda file: file["status"] == "LOADED" and not file["quarantined"]):
        size += len(json.dumps(file)) + 1
        if size > FILES_LIMIT_BYTES:
            break
        shown.append(file)
    return sorted(shown, key=lambda file: str(file["key"]))
