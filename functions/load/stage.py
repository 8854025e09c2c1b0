"""Stage one object version: stream it from S3 into COPY, then validate, type and hash it inside PostgreSQL."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.types.json import Jsonb

from functions.common.database import Connection
from functions.common.errors import FileRejectedError
from functions.common.landing import read_object
from functions.common.logging import logger
from functions.load.content import RepeatedContentError, claim_content
from functions.load.csv_stream import CsvStream, decompress
from functions.load.ledger import RunNotActiveError, active_run, recorded_step
from functions.load.model import Model, Source
from functions.load.render_stage import (
    StagedPart,
    render_attach,
    render_copy,
    render_measures,
    render_quarantine,
    render_raw_table,
    render_stage,
    render_unknown_columns,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAXIMUM_COLUMNS = 500


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
        except RepeatedContentError as error:
            status, reason, content_sha256 = "REPEATED", str(error), error.content_sha256
        except FileRejectedError as error:
            status, reason, content_sha256 = "REJECTED", str(error), None
        logger.warning("file not staged", extra={"run_id": run_id, "key": item.key, "status": status, "reason": reason})
        connection.execute(
            "update metadata.object_version set status = %s, reason = %s, content_sha256 = %s where object_id = %s",
            (status, reason, content_sha256, object_id),
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
    """Copy, judge and type; return how many rows the file has."""
    part = StagedPart(item.source, item.object_id, 0)
    if item.status == "STAGED":
        _forget(connection, part)
    chunks = read_object(s3, item.bucket, item.key, item.version_id)
    stream = CsvStream(decompress(chunks) if item.key.endswith(".gz") else chunks)
    unknown = _check_header(model.sources[item.source], stream.columns)
    rows_read = _copy(connection, model, part, stream, unknown)
    claim_content(connection, item.object_id, stream.sha256())
    staged = _judge(connection, model, part)
    if staged < rows_read:
        connection.execute(render_quarantine(model, part))
    if unknown:
        connection.execute(render_unknown_columns(part, unknown))
    measures = _measure(connection, model, part)
    connection.execute(sql.SQL("drop table {}").format(part.raw_table))
    connection.execute(
        "update metadata.object_version set status = 'STAGED', reason = null, rows_read = %s, rows_quarantined = %s,"
        " unknown_columns = %s, measures = %s where object_id = %s",
        (rows_read, rows_read - staged, list(unknown), Jsonb(measures), item.object_id),
    )
    return rows_read


def _forget(connection: Connection, part: StagedPart) -> None:
    """Remove what an earlier attempt staged and the server has lost."""
    connection.execute(sql.SQL("drop table if exists {}").format(part.table))
    for kept in ("quarantine", "unknown_columns"):
        connection.execute(
            sql.SQL("delete from {} where object_id = %s").format(sql.Identifier("metadata", kept)), (part.object_id,)
        )


def _copy(connection: Connection, model: Model, part: StagedPart, stream: CsvStream, unknown: dict[str, str]) -> int:
    connection.execute(render_raw_table(model, part, list(unknown.values()), first_row=1))
    try:
        with connection.cursor() as cursor:
            with cursor.copy(render_copy(part, [unknown.get(name, name) for name in stream.columns])) as copy:
                for chunk in stream.body():
                    copy.write(chunk)
            return cursor.rowcount
    except (pg.DataError, pg.ProgrammingError, pg.ProgramLimitExceeded) as error:
        raise FileRejectedError(_why_copy_failed(error)) from error


def _judge(connection: Connection, model: Model, part: StagedPart) -> int:
    """Type and hash the valid rows into the part's partition of staging; return how many there are."""
    # rows are few for what is computed of each, so several cores pay off sooner than the planner thinks
    connection.execute("set local parallel_tuple_cost = 0")
    connection.execute("set local parallel_setup_cost = 100")
    staged = connection.execute(render_stage(model, part)).rowcount
    connection.execute(render_attach(part))
    return staged


def _measure(connection: Connection, model: Model, part: StagedPart) -> dict[str, dict[str, str]]:
    """The sum of each measure over the file, as text that no float rounds."""
    statement = render_measures(model, part)
    if statement is None:
        return {}
    sums = connection.execute(statement).fetchone() or ()
    names = model.sources[part.source].measures
    return {name: {"file": str(value)} for name, value in zip(names, sums, strict=True)}


def _check_header(source: Source, columns: list[str]) -> dict[str, str]:
    """The columns that the source does not know, each with a column name of ours.

    Raises FileRejectedError when a required column is missing.
    """
    missing = [name for name in source.required if name not in columns]
    if missing:
        # other names that were found may be cells of a file without a header
        known = [name for name in source.columns if name in columns]
        raise FileRejectedError("the header lacks required columns", missing=missing, known=known, columns=len(columns))
    if len(columns) > MAXIMUM_COLUMNS:
        raise FileRejectedError(f"the header has more than {MAXIMUM_COLUMNS} columns", found=len(columns))
    unknown = [name for name in columns if name not in source.columns]
    return {name: f"unknown_{number}" for number, name in enumerate(unknown, 1)}


def _why_copy_failed(error: psycopg.Error) -> str:
    """PostgreSQL's reason and the line, without the line's content, which may be personal data."""
    place = ""
    context = error.diag.context or ""
    if ", line " in context:
        place = f" at data line {context.split(', line ')[1].split(',')[0].split(':')[0]}"
    message = (error.diag.message_primary or "malformed CSV").split(":")[0]
    return f"the file is malformed{place}: {message}"
