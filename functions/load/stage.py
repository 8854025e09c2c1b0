"""Stage one object version: stream it from S3 into COPY, then validate, type and hash it inside PostgreSQL."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors as pg
from psycopg import sql

from functions.common.database import Connection
from functions.common.errors import FileRejectedError
from functions.common.landing import read_object
from functions.common.logging import logger
from functions.load.csv_stream import CsvStream, decompress
from functions.load.ledger import RunNotActiveError, active_run, recorded_step
from functions.load.model import Model, Source
from functions.load.render_load import render_copy, render_raw_table, render_stage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAXIMUM_COLUMNS = 500


class _RepeatedContentError(Exception):
    """Another object with this content at this effective instant has been staged or loaded."""


@dataclass(frozen=True)
class _Object:
    object_id: int
    bucket: str
    key: str
    version_id: str
    source: str
    is_snapshot: bool
    status: str


def stage(connection: Connection, s3: "S3Client", model: Model, run_id: str, object_id: int) -> str:
    """Stage one object version in the caller's transaction; return its new status.

    STAGED: its valid rows are in staging, its invalid ones in quarantine. REPEATED: its content is there already.
    REJECTED: the file cannot be read; the ledger says why. Staging it again replaces what was staged. Raises
    RunNotActiveError when the run or its claim has ended, TransientError when another try may help.
    """
    active_run(connection, run_id)
    item = _claimed(connection, run_id, object_id)
    if item.status not in {"PLANNED", "STAGED"} or _is_staged(connection, item):
        return item.status
    with recorded_step(connection, run_id, "stage", object_id) as step:
        try:
            with connection.transaction():
                step.rows = _stage_rows(connection, s3, model, item)
            return "STAGED"
        except _RepeatedContentError:
            status, reason = "REPEATED", "the same content at the same effective instant is there already"
        except FileRejectedError as error:
            status, reason = "REJECTED", str(error)
        logger.warning("file not staged", extra={"run_id": run_id, "key": item.key, "status": status, "reason": reason})
        connection.execute(
            "update metadata.object_version set status = %s, reason = %s where object_id = %s",
            (status, reason, object_id),
        )
    return status


def _claimed(connection: Connection, run_id: str, object_id: int) -> _Object:
    row = connection.execute(
        "select object_id, bucket, object_key, version_id, source, is_snapshot, status"
        " from metadata.object_version where object_id = %s and run_id = %s for update",
        (object_id, run_id),
    ).fetchone()
    if row is None:
        raise RunNotActiveError("another run has taken this file over", run_id=run_id, object_id=object_id)
    return _Object(*row)


def _is_staged(connection: Connection, item: _Object) -> bool:
    """Whether an earlier attempt's rows are all still in staging, which PostgreSQL empties when it crashes."""
    if item.status != "STAGED":
        return False
    complete = connection.execute(
        sql.SQL(
            "select (select count(*) from {} where object_id = %s) = rows_read - rows_quarantined"
            " from metadata.object_version where object_id = %s"
        ).format(sql.Identifier("staging", item.source)),
        (item.object_id, item.object_id),
    ).fetchone()
    return bool(complete and complete[0])


def _stage_rows(connection: Connection, s3: "S3Client", model: Model, item: _Object) -> int:
    """Copy and validate; return how many rows the file has."""
    if item.is_snapshot:
        raise FileRejectedError("complete lists (snapshot/) are not understood yet; drop the file as a delta")
    if item.status == "STAGED":
        staging = sql.Identifier("staging", item.source)
        connection.execute(sql.SQL("delete from {} where object_id = %s").format(staging), (item.object_id,))
        connection.execute("delete from metadata.quarantine where object_id = %s", (item.object_id,))
    # what is judged and not yet staged fits in memory for a file of usual size
    connection.execute("set local work_mem = '64MB'")
    chunks = read_object(s3, item.bucket, item.key, item.version_id)
    stream = CsvStream(decompress(chunks) if item.key.endswith(".gz") else chunks)
    rows_read = _copy(connection, model, item.source, stream)
    _claim_content(connection, item.object_id, stream.sha256())
    staged = connection.execute(render_stage(model, item.source), {"object_id": item.object_id}).rowcount
    connection.execute("drop table raw_rows")
    connection.execute(
        "update metadata.object_version set status = 'STAGED', reason = null, rows_read = %s, rows_quarantined = %s"
        " where object_id = %s",
        (rows_read, rows_read - staged, item.object_id),
    )
    return rows_read


def _copy(connection: Connection, model: Model, source: str, stream: CsvStream) -> int:
    unknown = _check_header(model.sources[source], stream.columns)
    renamed = {name: f"unknown_{number}" for number, name in enumerate(unknown, 1)}
    connection.execute(render_raw_table(model, source, list(renamed.values())))
    try:
        with connection.cursor() as cursor:
            with cursor.copy(render_copy([renamed.get(name, name) for name in stream.columns])) as copy:
                for chunk in stream.body():
                    copy.write(chunk)
            return cursor.rowcount
    except (pg.DataError, pg.ProgrammingError, pg.ProgramLimitExceeded) as error:
        raise FileRejectedError(_why_copy_failed(error)) from error


def _check_header(source: Source, columns: list[str]) -> list[str]:
    """The columns that the source does not know. Raises FileRejectedError when a required one is missing."""
    missing = [name for name in source.required if name not in columns]
    if missing:
        # other names that were found may be cells of a file without a header
        known = [name for name in source.columns if name in columns]
        raise FileRejectedError("the header lacks required columns", missing=missing, known=known, columns=len(columns))
    if len(columns) > MAXIMUM_COLUMNS:
        raise FileRejectedError(f"the header has more than {MAXIMUM_COLUMNS} columns", found=len(columns))
    return [name for name in columns if name not in source.columns]


def _why_copy_failed(error: psycopg.Error) -> str:
    """PostgreSQL's reason and the line, without the line's content, which may be personal data."""
    place = ""
    context = error.diag.context or ""
    if ", line " in context:
        place = f" at data line {context.split(', line ')[1].split(',')[0].split(':')[0]}"
    message = (error.diag.message_primary or "malformed CSV").split(":")[0]
    return f"the file is malformed{place}: {message}"


def _claim_content(connection: Connection, object_id: int, content_sha256: bytes) -> None:
    """Note the content in the ledger, whose unique index lets only one object have it at one effective instant."""
    try:
        with connection.transaction():
            connection.execute(
                "update metadata.object_version set content_sha256 = %s, status = 'STAGED' where object_id = %s",
                (content_sha256, object_id),
            )
    except pg.UniqueViolation as error:
        raise _RepeatedContentError from error
