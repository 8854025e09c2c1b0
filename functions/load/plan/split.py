"""Split a big file on row boundaries into byte ranges, in one pass that also hashes it and counts its rows.

The boundaries are right if every quote in the file is, which the pass checks: a file with a quote in a wrong place is
not split, and staged in one piece. gzip can only be read from its beginning, so it is not split either.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import psycopg

from functions.common.database import Connection
from functions.common.ledger import ClaimedObject, active_run, claimed_object
from functions.common.logging import logger
from functions.load.recorded_step import recorded_step
from functions.load.staging.csv_scan import CsvScan, MalformedCsvError
from functions.load.staging.deduplication import claim_content
from functions.load.staging.encodings import file_bytes
from functions.load.staging.header import match_header
from functions.load.staging.part_reader import open_stream
from functions.load.staging.parts import Part, plan_parts
from functions.load.staging.set_aside import SET_ASIDE_ERRORS, set_aside
from functions.model.declaration import Model
from functions.model.dialect import PLAIN, Dialect

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def large_objects(connection: Connection, run_id: str, split_bytes: int) -> list[int]:
    """The run's files that are to be split, the largest first."""
    rows = connection.execute(
        "select object_id from metadata.object_version where run_id = %s and status in ('PLANNED', 'STAGED')"
        " and size_bytes > %s and object_key not ilike %s order by size_bytes desc, object_id",
        (run_id, split_bytes, "%.gz"),
    )
    return [row[0] for row in rows]


def staging_items(connection: Connection, run_id: str) -> list[dict[str, int]]:
    """What is to be staged: each part of the run's files, those of the largest files first."""
    rows = connection.execute(
        "select o.object_id, coalesce(p.part, 0) from metadata.object_version as o"
        " left join metadata.object_part as p using (object_id)"
        " where o.run_id = %s and o.status in ('PLANNED', 'STAGED') order by o.size_bytes desc, o.object_id, p.part",
        (run_id,),
    )
    return [{"object_id": object_id, "part": part} for object_id, part in rows]


def split(connection: Connection, s3: "S3Client", model: Model, run_id: str, object_id: int, split_bytes: int) -> str:
    """Note in the ledger the parts of about `split_bytes` that a file is to be staged in; return its status.

    A file that has parts keeps them. REJECTED, REPEATED and UNREADABLE are as in `stage`, and raised is the same.
    """
    active_run(connection, run_id)
    item = claimed_object(connection, run_id, object_id)
    if item.status not in {"PLANNED", "STAGED"} or _has_parts(connection, object_id):
        return item.status
    with recorded_step(connection, run_id, "split", object_id) as step:
        try:
            step.rows = _split(connection, s3, model, item, split_bytes)
            return item.status
        except SET_ASIDE_ERRORS as error:
            return set_aside(connection, run_id, item, error)


def _has_parts(connection: Connection, object_id: int) -> bool:
    return bool(
        connection.execute("select from metadata.object_part where object_id = %s limit 1", (object_id,)).fetchall()
    )


def _split(connection: Connection, s3: "S3Client", model: Model, item: ClaimedObject, split_bytes: int) -> int:
    source = model.sources[item.source]
    stream = open_stream(s3, item, source)
    match_header(source, stream.columns)
    try:
        parts = list(find_parts(stream.body(), stream.header_bytes, split_bytes, source))
    except MalformedCsvError as error:
        logger.warning("malformed: staged in one piece", extra={"key": item.key, "reason": str(error)})
        return 0
    _refuse_repetition(connection, item.object_id, stream.sha256())
    plan_parts(connection, item.object_id, parts)
    connection.execute(
        "update metadata.object_version set columns = %s, content_sha256 = %s where object_id = %s",
        (stream.columns, stream.sha256(), item.object_id),
    )
    return sum(part.rows_expected or 0 for part in parts)


def _refuse_repetition(connection: Connection, object_id: int, content_sha256: bytes) -> None:
    """Raise RepeatedContentError before any work is done in vain; the claim itself waits for the last part."""
    with connection.transaction() as savepoint:
        claim_content(connection, object_id, content_sha256)
        raise psycopg.Rollback(savepoint)


def find_parts(body: Iterator[bytes], header_bytes: int, split_bytes: int, dialect: Dialect = PLAIN) -> Iterator[Part]:
    """The parts of what is below a header of so many bytes: each ends with a row, after `split_bytes` or a bit more.

    `body` is UTF-8, the parts' bytes are those of the file, in its own encoding.

    Raises MalformedCsvError when not all quotes and line ends are right.
    """
    scan = CsvScan(dialect.delimiter, count_rows=True)
    begin, position, first_row, first_line = header_bytes, header_bytes, 1, 2
    number = 0
    for chunk in body:
        rest = chunk
        while cut := scan.end_of_row(rest, max(begin + split_bytes - position - 1, 0)):
            scan.feed(rest[:cut])
            position += file_bytes(rest[:cut], dialect.encoding)
            rest = rest[cut:]
            yield Part(number, (begin, position), first_row, first_line, scan.rows - first_row + 1)
            number, begin, first_row, first_line = number + 1, position, scan.rows + 1, scan.lines + 2
        scan.feed(rest)
        position += file_bytes(rest, dialect.encoding)
    scan.finish()
    if position > begin or number == 0:
        yield Part(number, (begin, position), first_row, first_line, scan.rows - first_row + 1)
