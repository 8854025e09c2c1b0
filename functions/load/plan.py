"""Plan a run: register it, find object versions that no run has loaded, and claim them for this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import DataError
from functions.common.landing import LandedObject, list_landed
from functions.common.logging import logger
from functions.load.model import Model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ABANDONED_AFTER = "2 hours"
"""A run still RUNNING after this has died unrecorded: state machines time out after one hour."""

_ADVISORY_LOCK = 0x6333_3631  # one plan at a time: each object version is claimed by one run

_REGISTER = """insert into metadata.load_run (run_id, execution_arn, status, started_at, accept_deletions)
values (%s, %s, 'RUNNING', %s, %s)
on conflict (run_id) do nothing"""

# New object versions, and those that a run which has ended left behind.
_CLAIM = """insert into metadata.object_version as held (
    bucket, object_key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at, status, run_id
)
select bucket, object_key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at, 'PLANNED', %s
from unnest(
    %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[], %s::boolean[],
    %s::timestamptz[]
) with ordinality as landed (
    bucket, object_key, version_id, etag, size_bytes, uploaded_at, source, is_snapshot, effective_at, position
)
order by position
on conflict (bucket, object_key, version_id, etag) do update set run_id = excluded.run_id
where held.status in ('PLANNED', 'STAGED')
    and held.run_id in (
        select run_id
        from metadata.load_run
        where status <> 'RUNNING' or started_at < now() - %s::interval
    )"""

# What a run left behind, and somebody has deleted or replaced since.
_WITHDRAW = """update metadata.object_version as held
set status = 'REJECTED', reason = 'it was deleted or replaced in the landing zone before it was loaded'
from unnest(%s::text[], %s::text[], %s::text[], %s::text[]) as gone (bucket, object_key, version_id, etag)
where (held.bucket, held.object_key, held.version_id, held.etag)
    = (gone.bucket, gone.object_key, gone.version_id, gone.etag)
    and held.status in ('PLANNED', 'STAGED')
    and held.run_id in (
        select run_id
        from metadata.load_run
        where status <> 'RUNNING' or started_at < now() - %s::interval
    )
returning held.object_id, held.source"""


@dataclass(frozen=True)
class RunRequest:
    """What the execution was started with. `files`: only these keys; empty: all. `first_day`, `last_day`: only files
    whose effective instant lies in these days (UTC), both included. `accept_deletions`: a snapshot may mark any number
    of keys deleted.
    """

    run_id: str
    execution_arn: str
    started_at: datetime
    files: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    accept_deletions: bool = False


def plan(connection: Connection, s3: "S3Client", bucket: str, model: Model, request: RunRequest) -> list[int]:
    """Register the run and claim what it is to load; return the ids of its object versions, in loading order.

    What was deleted from the landing zone, or is a snapshot replaced at its instant, before it was loaded is not
    loaded any more. Planning a run twice claims nothing twice and returns the same ids. Raises DataError when a key in
    `request.files` is not a file of the landing zone.
    """
    listed, foreign = list_landed(s3, bucket, frozenset(model.sources))
    landed = [item for item in listed if not item.is_withdrawn and _in_days(item, request)]
    if request.files:
        landed = _only(landed, request.files)
    elif foreign:
        logger.warning("objects that are no files of a source are left alone", extra={"count": len(foreign)})
    connection.execute("select pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
    connection.execute(_REGISTER, (request.run_id, request.execution_arn, request.started_at, request.accept_deletions))
    _withdraw(connection, [item for item in listed if item.is_withdrawn])
    columns = [
        [getattr(item, field) for item in landed]
        for field in (
            "bucket",
            "key",
            "version_id",
            "etag",
            "size_bytes",
            "uploaded_at",
            "source",
            "is_snapshot",
            "effective_at",
        )
    ]
    connection.execute(_CLAIM, (request.run_id, *columns, ABANDONED_AFTER))
    claimed = connection.execute(
        "select object_id from metadata.object_version where run_id = %s order by size_bytes desc, object_id",
        (request.run_id,),
    )
    return [row[0] for row in claimed]


def _in_days(item: LandedObject, request: RunRequest) -> bool:
    day = item.effective_at.astimezone(UTC).date()
    return (request.first_day or day) <= day <= (request.last_day or day)


def _withdraw(connection: Connection, gone: list[LandedObject]) -> None:
    columns = [[getattr(item, field) for item in gone] for field in ("bucket", "key", "version_id", "etag")]
    for object_id, source in connection.execute(_WITHDRAW, (*columns, ABANDONED_AFTER)).fetchall():
        staging = sql.Identifier("staging", source)
        connection.execute(sql.SQL("delete from {} where object_id = %s").format(staging), (object_id,))


def _only(landed: list[LandedObject], keys: Sequence[str]) -> list[LandedObject]:
    chosen = [item for item in landed if item.key in keys]
    missing = sorted(set(keys) - {item.key for item in chosen})
    if missing:
        raise DataError("there is no such file in the landing zone", keys=missing)
    return chosen
