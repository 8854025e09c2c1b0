"""Plan a run: register it, find object versions that no run has loaded, and claim them for this one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.common.errors import DataError
from functions.common.landing import IgnoredObject, LandedObject, list_landed, states_instant
from functions.common.ledger import lock
from functions.common.logging import logger
from functions.common.sql_files import read_sql
from functions.load.staging.deduplication import wake_repetitions
from functions.load.staging.shared_partitions import claim_parameters
from functions.model.declaration import Model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ABANDONED_AFTER = "7 hours"
"""A run still RUNNING after this has died unrecorded, if Step Functions was not asked: state machines time out after
six hours."""

LISTED_AFTER = "2 minutes"
"""A run that Step Functions does not list as running this long after its start has died unrecorded. Its list is
eventually consistent (API reference of ListExecutions)."""

FILES_LIMIT = 100_000
"""In one run: what is known of each passes through statements and reports as a whole."""

PARTITIONS_LIMIT = 10_000
"""Of staging, in one run: the more there are, the longer it takes to attach another."""

RESERVED_LOCKS = 1_400
"""For all other sessions: forty stagings at once take some thirty locks each."""

IGNORED_SHOWN = 100
"""Of the objects that a run left alone, so many are named in the ledger and in its report; all are counted."""

READ_ATTEMPTS = 3
"""So many runs try to read an object that S3 does not hand out; after that, only a run that names it does."""

_LANDED = (
    "bucket", "key", "version_id", "etag", "size_bytes", "uploaded_at", "source", "is_snapshot", "effective_at",
)  # fmt: skip


@dataclass(frozen=True)
class RunRequest:
    """What the execution was started with. `files`: only these keys; empty: all. `first_day`, `last_day`: only files
    whose effective instant lies in these days (UTC), both included. `accept_deletions`: a snapshot may mark any number
    of keys deleted. `running`: the executions that Step Functions lists as running; None: it was not asked. `retract`:
    keys whose files are to be taken back; such a run loads nothing else.
    """

    run_id: str
    execution_arn: str
    started_at: datetime
    files: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    accept_deletions: bool = False
    running: tuple[str, ...] | None = None
    retract: tuple[str, ...] = ()

    @property
    def since(self) -> datetime | None:
        """The first instant that the run takes files of; None: from the beginning."""
        return None if self.first_day is None else datetime.combine(self.first_day, time(), UTC)

    @property
    def until(self) -> datetime | None:
        """The first instant after those that the run takes files of; None: to the end."""
        return None if self.last_day is None else datetime.combine(self.last_day, time(), UTC) + timedelta(days=1)


def plan(connection: Connection, s3: "S3Client", bucket: str, model: Model, request: RunRequest) -> list[int]:
    """Register the run and claim what it is to load; return the ids of its object versions, in loading order.

    Of very many files it claims FILES_LIMIT at most, and no more than `partitions_limit` has room for; the others are
    left to the next run.
    Planning a run twice claims nothing twice and returns the same ids. Raises DataError when a key in
    `request.files` is not a file of the landing zone, or one in `request.retract` has never been one.
    """
    landed, ignored = list_landed(s3, bucket, frozenset(model.sources))
    landed, misnamed = _as_declared(landed, model)
    landed = [item for item in landed if _in_days(item, request)]
    if request.files:
        landed = _only(landed, request.files)
    lock(connection, "plan")  # each object version is claimed by one run
    connection.execute(
        read_sql("load/register_run.sql"),
        (
            *(request.run_id, request.execution_arn, request.started_at),
            *(request.accept_deletions, list(request.retract)),
        ),
    )
    if not request.files:
        _record_ignored(connection, request.run_id, [*ignored, *misnamed])
    parameters: dict[str, Any] = {field: [getattr(item, field) for item in landed] for field in _LANDED}
    parameters |= {
        "run_id": request.run_id,
        "only_these": bool(request.files),
        "since": request.since,
        "until": request.until,
        "abandoned_after": ABANDONED_AFTER,
        "accept_deletions": request.accept_deletions,
        "most_files": FILES_LIMIT,
        **claim_parameters(partitions_limit(connection)),
        "read_attempts": READ_ATTEMPTS,
        "running": None if request.running is None else list(request.running),
        "listed_after": LISTED_AFTER,
    }
    connection.execute(read_sql("load/record_vanished_runs.sql"), parameters)
    if request.retract:
        _take_back(connection, request)
    else:
        _claim(connection, parameters)
    wake_repetitions(connection, request.run_id)
    for statement in (read_sql("load/withdraw_removed.sql"), read_sql("load/refuse_forgotten.sql")):
        connection.execute(statement, parameters)
    claimed = connection.execute(
        "select object_id from metadata.object_version where run_id = %s and status in ('PLANNED', 'STAGED')"
        " order by size_bytes desc, object_id",
        (request.run_id,),
    )
    return [row[0] for row in claimed]


def partitions_limit(connection: Connection) -> int:
    """How many partitions of staging a run may fill: PARTITIONS_LIMIT, or fewer where the table of locks is small.

    Two steps at once lock each. With PostgreSQL's defaults these are 2,500; the databases of a deployment have room for
    PARTITIONS_LIMIT (`max_locks_per_transaction`). Very many small files share partitions.
    """
    row = connection.execute(
        "select current_setting('max_locks_per_transaction')::integer * (current_setting('max_connections')::integer"
        " + current_setting('max_prepared_transactions')::integer)"
    ).fetchone()
    locks = row[0] if row else 0
    return max(1, min(PARTITIONS_LIMIT, (locks - RESERVED_LOCKS) // 2))


def _claim(connection: Connection, parameters: dict[str, Any]) -> None:
    for statement in (
        read_sql("load/take_over_objects.sql"),
        read_sql("load/retry_unreadable.sql"),
        read_sql("load/release_held.sql"),
        read_sql("load/claim_objects.sql").format(new=read_sql("load/new_objects.sql")),
        read_sql("load/withdraw_held.sql"),
    ):
        connection.execute(statement, parameters)
    row = connection.execute(
        read_sql("load/count_waiting_files.sql").format(new=read_sql("load/new_objects.sql")), parameters
    ).fetchone()
    if row and row[0]:
        logger.warning("more files than one run takes", extra={"run_id": parameters["run_id"], "files_waiting": row[0]})


def _take_back(connection: Connection, request: RunRequest) -> None:
    """What the vault has of these keys is retracted when it is loaded; what waits to be loaded, now."""
    keys = list(request.retract)
    known = connection.execute(
        "select distinct object_key from metadata.object_version where object_key = any(%s)", (keys,)
    )
    missing = sorted(set(keys) - {key for (key,) in known})
    if missing:
        raise DataError("no such file has ever been loaded", keys=missing)
    connection.execute(read_sql("load/take_back_waiting.sql"), {"keys": keys, "run_id": request.run_id})


def _record_ignored(connection: Connection, run_id: str, ignored: list[IgnoredObject]) -> None:
    """Keep what was left alone, and why, for the run's report."""
    if ignored:
        logger.warning("objects that are no files of a source are left alone", extra={"count": len(ignored)})
    shown = [vars(each) for each in sorted(ignored, key=lambda each: each.key)[:IGNORED_SHOWN]]
    connection.execute(
        "update metadata.load_run set ignored = %s, ignored_count = %s where run_id = %s",
        (Jsonb(shown), len(ignored), run_id),
    )


def _as_declared(landed: list[LandedObject], model: Model) -> tuple[list[LandedObject], list[IgnoredObject]]:
    """The objects whose name their source takes, with the effective instant it gives them; and the others."""
    taken, misnamed = [], []
    for item in landed:
        source = model.sources[item.source]
        name = item.key.rpartition("/")[2].lower()
        if not any(fnmatchcase(name, pattern.lower()) for pattern in source.files):
            reason = f"its name matches none of the patterns of {item.source}: {', '.join(source.files)}"
            misnamed.append(IgnoredObject(item.key, reason))
        elif source.effective_at == "upload" and not states_instant(item.key):
            taken.append(replace(item, effective_at=item.uploaded_at))
        else:
            taken.append(item)
    return taken, misnamed


def _in_days(item: LandedObject, request: RunRequest) -> bool:
    after = request.since is None or item.effective_at >= request.since
    return after and (request.until is None or item.effective_at < request.until)


def _only(landed: list[LandedObject], keys: Sequence[str]) -> list[LandedObject]:
    chosen = [item for item in landed if item.key in keys]
    missing = sorted(set(keys) - {item.key for item in chosen})
    if missing:
        raise DataError("there is no such file in the landing zone", keys=missing)
    return chosen
