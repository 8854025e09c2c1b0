"""Corrected rows on their way back: grouped by the file that each was in, and dropped right after it."""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from botocore.exceptions import ClientError

from cli.errors import FileProblemError, UsageError
from cli.files.quarantine_rows import find_all
from functions.common.landing import parse_key, replay_key
from functions.load.staging.csv_scan import RECORD_LIMIT_BYTES
from functions.load.staging.header import CONTROL_COLUMNS, QUARANTINE_ID
from functions.model.dialect import PLAIN, Dialect
from functions.model.reading import load_model

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from cli.deployment import Deployment

_IDS_AT_ONCE = 1000


@dataclass(frozen=True)
class Corrected:
    """A corrected export: its data columns, and its rows by the id of the row in quarantine."""

    columns: list[str]
    rows: dict[int, dict[str, str]]


@dataclass(frozen=True)
class Replayed:
    """A file of corrected rows in the landing zone; `unchanged` when it was there."""

    key: str
    rows: int
    status: Literal["uploaded", "unchanged"]


def read_corrected(file: Path) -> Corrected:
    """Read an export that somebody has edited.

    Raises FileProblemError when it is no CSV with a `_quarantine_id` for each row, each once.
    """
    csv.field_size_limit(RECORD_LIMIT_BYTES)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            columns = list(reader.fieldnames or ())
            if QUARANTINE_ID not in columns:
                raise FileProblemError(
                    f"{file} has no column {QUARANTINE_ID}: replay takes what `c360 quarantine export` wrote, "
                    "saved as CSV with commas",
                    file=str(file),
                )
            rows: dict[int, dict[str, str]] = {}
            for row in reader:
                _keep(rows, row, f"{file}, line {reader.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FileProblemError(f"cannot read {file}: {error}", file=str(file)) from error
    return Corrected([name for name in columns if name not in CONTROL_COLUMNS], rows)


def _keep(rows: dict[int, dict[str, str]], row: dict[Any, Any], where: str) -> None:
    if None in row or None in row.values():
        raise FileProblemError(f"{where}: the row has another number of cells than the header")
    try:
        quarantine_id = int(row[QUARANTINE_ID])
    except ValueError:
        raise FileProblemError(f"{where}: {QUARANTINE_ID} is not the id of a row") from None
    if quarantine_id in rows:
        raise FileProblemError(f"{where}: {QUARANTINE_ID} {quarantine_id} comes a second time")
    rows[quarantine_id] = row


def replay(deployment: "Deployment", corrected: Corrected) -> list[Replayed]:
    """Drop the rows that have not been replayed yet, a file for each file that they come from.

    The same rows again become the same object. Raises UsageError when a row is not in quarantine.
    """
    quarantined = {row["quarantine_id"]: row for row in _quarantined(deployment, sorted(corrected.rows))}
    unknown = sorted(corrected.rows.keys() - quarantined.keys())
    if unknown:
        raise UsageError(f"there is no row {unknown[0]} in quarantine: `c360 quarantine list` lists them")
    groups: dict[tuple[str, str], list[int]] = {}
    for quarantine_id, row in quarantined.items():
        if row["replayed_by"] is None:
            groups.setdefault((row["file"], row["effective_at"]), []).append(quarantine_id)
    return [
        _drop(deployment.s3, deployment.outputs.landing_bucket, key, effective_at, corrected, ids)
        for (key, effective_at), ids in sorted(groups.items())
    ]


def _quarantined(deployment: "Deployment", ids: list[int]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(ids), _IDS_AT_ONCE):
        yield from find_all(deployment, ids=ids[start : start + _IDS_AT_ONCE], replayed=True)


def _drop(s3: "S3Client", bucket: str, key: str, effective_at: str, corrected: Corrected, ids: list[int]) -> Replayed:
    text = io.StringIO(newline="")
    dialect = _dialect(key)
    writer = csv.DictWriter(
        text,
        [*corrected.columns, QUARANTINE_ID],
        extrasaction="ignore",
        lineterminator="\n",
        delimiter=dialect.delimiter,
    )
    writer.writeheader()
    writer.writerows(corrected.rows[quarantine_id] for quarantine_id in ids)
    try:
        body = text.getvalue().encode(dialect.encoding)
    except UnicodeEncodeError as error:
        raise FileProblemError(
            f"a corrected row of {key} has a character that {dialect.encoding}, the encoding of its source, lacks:"
            f" {error.object[error.start]!r}"
        ) from None
    to = replay_key(key, datetime.fromisoformat(effective_at), hashlib.sha256(body).hexdigest()[:12])
    if _is_there(s3, bucket, to):
        return Replayed(to, len(ids), "unchanged")
    s3.put_object(Bucket=bucket, Key=to, Body=body, ContentType="text/csv")
    return Replayed(to, len(ids), "uploaded")


def _dialect(key: str) -> Dialect:
    """How files of the source of a landing key are written."""
    parsed = parse_key(key, datetime.min.replace(tzinfo=UTC))
    return PLAIN if parsed is None else load_model().sources[parsed[0]]


def _is_there(s3: "S3Client", bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
            return False
        raise
    return True
