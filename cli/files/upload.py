"""Uploading placed files to S3, each once."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from cli.errors import FileProblemError
from cli.files.landing import Placed

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_PART = 16 * 1024 * 1024
_HASH_KEY = "sha256"

type Progress = Callable[[str, int, int], None]
"""Called with a key, the bytes of it that are done, and its size."""


@dataclass(frozen=True)
class Dropped:
    """What became of one file: `unchanged` when the identical object was there."""

    file: Path
    key: str
    source: str
    status: Literal["uploaded", "unchanged"]
    bytes: int
    sha256: str
    version_id: str | None

    def as_json(self) -> dict[str, object]:
        return self.__dict__ | {"file": str(self.file)}


def drop(
    s3: "S3Client", bucket: str, placed: Sequence[Placed], *, force: bool = False, progress: Progress | None = None
) -> list[Dropped]:
    """Upload each file to its key, in parts when it is large, unless that object has these bytes already (or `force`).

    Raises FileProblemError for a file that cannot be read; botocore's errors pass.
    """
    return [_drop(s3, bucket, each, force, progress or (lambda *_: None)) for each in placed]


def _drop(s3: "S3Client", bucket: str, placed: Placed, force: bool, progress: Progress) -> Dropped:
    try:
        size = placed.file.stat().st_size
        with placed.file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileProblemError(f"cannot read {placed.file}: {error.strerror}", file=str(placed.file)) from error
    if not force:
        version = _identical(s3, bucket, placed, size, sha256)
        if version:
            return Dropped(placed.file, placed.key, placed.source, "unchanged", size, sha256, version)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        progress(placed.key, done, size)

    s3.upload_file(
        str(placed.file),
        bucket,
        placed.key,
        ExtraArgs={"Metadata": {_HASH_KEY: sha256}, "ContentType": _content_type(placed.file)},
        Callback=count,
        Config=TransferConfig(multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=4),
    )
    version = s3.head_object(Bucket=bucket, Key=placed.key).get("VersionId")
    return Dropped(placed.file, placed.key, placed.source, "uploaded", size, sha256, version)


def _content_type(file: Path) -> str:
    return "application/gzip" if file.name.endswith(".gz") else "text/csv"


def _identical(s3: "S3Client", bucket: str, placed: Placed, size: int, sha256: str) -> str | None:
    """The version id (or "null") of the object at the key when it holds the same bytes, else None.

    An object that another tool put there has no hash of ours: its ETag is the MD5 of its bytes when it was sent in
    one piece (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html), and says nothing otherwise.
    """
    try:
        head = s3.head_object(Bucket=bucket, Key=placed.key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NotFound"):
            return None
        raise
    if head["ContentLength"] != size:
        return None
    known = head["Metadata"].get(_HASH_KEY)
    if known is None:
        with placed.file.open("rb") as stream:
            same = (
                head["ETag"].strip('"')
                == hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            )
    else:
        same = known == sha256
    return head.get("VersionId", "null") if same else None
