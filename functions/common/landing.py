"""The landing zone: which objects are files of which source, why others are not, and the bytes of one version."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from functions.common.aws import aws_failures_named, is_transient
from functions.common.errors import LandingUnavailableError, UnreadableObjectError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES = 1 << 20

MANIFEST_PREFIX = "manifests/"
"""Where, in the landing bucket and beside the files, a run notes what it is to do, if that is much."""

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_UNREADABLE = {
    "InvalidObjectState": "S3 keeps it in an archive class: restore it, then run it again",
    "NoSuchKey": "it was deleted after it was planned",
    "NoSuchVersion": "this version of it was deleted after it was planned",
    "NoSuchBucket": "its bucket is gone",
    "AccessDenied": "S3 denies access to it: its encryption key or its policy does not let the load function read it",
}
KEY_FORM = "landing/<source>/[snapshot/][dt=YYYY-MM-DD/ or at=YYYYMMDDTHHMMSS[.ffffff]Z/]<name>.csv[.gz]"
SUFFIXES = (".csv", ".csv.gz")

_KEY = re.compile(
    r"landing/(?P<source>[a-z0-9_]+)/(?P<snapshot>snapshot/)?"
    r"(?:dt=(?P<day>\d{4}-\d{2}-\d{2})/|at=(?P<instant>\d{8}T\d{6}(?:\.\d{6})?Z)/)?[^/]+\.(?i:csv(?:\.gz)?)"
)
_DAY = re.compile(r"(?i:dt=)?([0-9]{4})-?([0-9]{1,2})-?([0-9]{1,2})")
_REPLAY = re.compile(r"\.replay-[0-9a-f]{12}\.csv$")


@dataclass(frozen=True)
class LandedObject:
    """One version of one object below `landing/`. `effective_at`: when its rows became true, in UTC."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size_bytes: int
    uploaded_at: datetime
    source: str
    is_snapshot: bool
    effective_at: datetime


@dataclass(frozen=True)
class IgnoredObject:
    """An object below `landing/` that is no file of a source, why, and the key that was probably meant."""

    key: str
    reason: str
    nearest: str | None = None


def parse_key(key: str, uploaded_at: datetime) -> tuple[str, bool, datetime] | None:
    """Source, whether it is a snapshot, and effective instant of an object; None when the key is not a file's.

    Keys are of KEY_FORM: `dt` states the day, `at` the instant; without either the instant is the upload's. What
    corrects rows of a snapshot (`replay_key`) is a delta.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    effective_at = uploaded_at
    try:
        if match["day"] is not None:
            day = date.fromisoformat(match["day"])
            effective_at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        elif match["instant"] is not None:
            effective_at = datetime.fromisoformat(match["instant"])
    except ValueError:
        return None
    is_snapshot = match["snapshot"] is not None and not _REPLAY.search(key)
    return match["source"], is_snapshot, effective_at


def why_ignored(key: str, sources: frozenset[str]) -> IgnoredObject:
    """What keeps an object below `landing/` from being a file of one of `sources`."""
    source, *folders, name = key.split("/")[1:] if key.count("/") > 1 else ["", key.rpartition("/")[2]]
    reasons = []
    meant = source
    if source not in sources:
        meant = next(iter(get_close_matches(source.lower(), sources, n=1)), "")
        reasons.append(f"there is no source {source!r}" if source else "it lies in no folder of a source")
    found_kind = found_day = ""
    for number, folder in enumerate(folders):
        day = _DAY.fullmatch(folder)
        if folder.lower() == "snapshot" and not found_kind:
            found_kind = "snapshot/"
            if number > 0:
                reasons.append("snapshot/ comes before dt=")
            elif folder != "snapshot":
                reasons.append("snapshot/ is written in lower case")
        elif day is not None and not found_day:
            found_day = f"dt={day[1]}-{int(day[2]):02d}-{int(day[3]):02d}/"
            if folder + "/" != found_day:
                reasons.append("a day is written dt=YYYY-MM-DD")
        elif _KEY.fullmatch(f"landing/any/{folder}/a.csv"):
            found_day = f"{folder}/"
        else:
            meant = ""
            reasons.append(f"{folder!r} is no folder of a source")
    if not re.fullmatch(r"(?s:.+)\.(?i:csv(?:\.gz)?)", name):
        reasons.append("its name does not end in .csv or .csv.gz")
    nearest = f"landing/{meant}/{found_kind}{found_day}{name}"
    is_key = bool(meant) and nearest != key and parse_key(nearest, datetime.min.replace(tzinfo=UTC)) is not None
    if not reasons:
        reasons.append("there is no such day or instant")
    return IgnoredObject(key, "; ".join(reasons), nearest if is_key else None)


def replay_key(key: str, effective_at: datetime, name: str) -> str:
    """The key of a file that corrects rows of another: it becomes true at that file's instant, right after it.

    `name`: 12 hexadecimal digits, others for each replay of a file.
    """
    folder, _, file = key.rpartition("/")
    parsed = parse_key(key, datetime.min.replace(tzinfo=UTC))
    if parsed is None or parsed[2] != effective_at:
        folder = re.sub("/(dt|at)=[^/]*$", "", folder)
        folder += f"/at={effective_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}Z"
    return f"{folder}/{file}.replay-{name}.csv"


def landing_key(source: str, name: str, *, day: date | None, is_snapshot: bool) -> str:
    """The key of a file `name` of `source` that is true from `day`, or from its upload where that is None."""
    return f"landing/{source}/{'snapshot/' if is_snapshot else ''}{f'dt={day}/' if day else ''}{name}"


def states_instant(key: str) -> bool:
    """Whether the key itself says at which instant its rows became true, whatever the source's rule."""
    match = _KEY.fullmatch(key)
    return match is not None and match["instant"] is not None


def s3_client() -> "S3Client":
    """A client of S3 that retries what a network loses."""
    import boto3  # here, since it costs 0.2 s of a cold start that steps inside the database do not need
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=30)
    return boto3.client("s3", config=config)


def list_landed(s3: "S3Client", bucket: str, sources: frozenset[str]) -> tuple[list[LandedObject], list[IgnoredObject]]:
    """All versions of all files of `sources`, older versions of a key first, and the objects that are no such files.

    Versions that were deleted, by a delete marker too, are not there.

    Raises LandingUnavailableError when S3 cannot be listed now.
    """
    landed: list[LandedObject] = []
    foreign: set[str] = set()
    deleted: dict[str, datetime] = {}
    latest: set[tuple[str, str]] = set()
    with aws_failures_named("S3", LandingUnavailableError):
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix="landing/"):
            for marker in page.get("DeleteMarkers", ()):
                known = deleted.get(marker["Key"], marker["LastModified"])
                deleted[marker["Key"]] = max(known, marker["LastModified"])
            for version in page.get("Versions", ()):
                parsed = parse_key(version["Key"], version["LastModified"])
                if parsed is None or parsed[0] not in sources:
                    if version["IsLatest"] and not version["Key"].endswith("/"):
                        foreign.add(version["Key"])
                    continue
                source, is_snapshot, effective_at = parsed
                landed.append(
                    LandedObject(
                        bucket=bucket,
                        key=version["Key"],
                        version_id=version["VersionId"],
                        etag=version["ETag"].strip('"'),
                        size_bytes=version["Size"],
                        uploaded_at=version["LastModified"],
                        source=source,
                        is_snapshot=is_snapshot,
                        effective_at=effective_at,
                    )
                )
                if version["IsLatest"]:
                    latest.add((version["Key"], version["VersionId"]))
    landed = [item for item in landed if _is_there(item, deleted, latest)]
    # S3 lists the versions of a key newest first
    landed.reverse()
    landed.sort(key=lambda item: (item.key, item.uploaded_at))
    return landed, [why_ignored(key, sources) for key in sorted(foreign)]


def _is_there(item: LandedObject, deleted: dict[str, datetime], latest: set[tuple[str, str]]) -> bool:
    """Whether no delete marker covers the version. S3 gives whole seconds, so at the same second `latest` decides."""
    return item.key not in deleted or item.uploaded_at > deleted[item.key] or (item.key, item.version_id) in latest


def read_object(
    s3: "S3Client", bucket: str, key: str, version_id: str, span: tuple[int, int] | None = None
) -> Iterator[bytes]:
    """The bytes of one object version, in chunks of at most CHUNK_BYTES; of a span, from its first byte to its end.

    Raises LandingUnavailableError when S3 does not answer or breaks off before the end, UnreadableObjectError when it
    refuses this object.
    """
    if span is not None and span[0] == span[1]:
        return
    with aws_failures_named("S3", LandingUnavailableError):
        arguments: dict[str, Any] = {"Bucket": bucket, "Key": key}
        if version_id != "null":
            arguments["VersionId"] = version_id
        if span is not None:
            arguments["Range"] = f"bytes={span[0]}-{span[1] - 1}"
        try:
            answer = s3.get_object(**arguments)
        except s3.exceptions.ClientError as error:
            if is_transient(error):
                raise
            raise UnreadableObjectError(_why_unreadable(error)) from error
        received = 0
        for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
            received += len(chunk)
            yield chunk
        if received != answer["ContentLength"]:
            raise LandingUnavailableError("S3 broke off in the middle of an object", key=key)


def _why_unreadable(error: "ClientError") -> str:
    code = error.response.get("Error", {}).get("Code", "")
    if code.startswith("KMS") or code == "403":
        code = "AccessDenied"
    return _UNREADABLE.get(code, f"S3 does not hand it out ({code})")
