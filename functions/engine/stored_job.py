"""A job's folder in S3, where Spark reads what it is to do and leaves what it has done."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from functions.common.aws import aws_failures_named
from functions.common.errors import LakeUnavailableError
from functions.engine.vault_job import JOB_FILE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "jobs/"
RESULT_FILE = "result.json"
_CHUNK_BYTES = 1 << 20


def job_uri(bucket: str, run_id: str, attempt: str) -> str:
    """The address of a job's folder; each attempt has its own, so nothing of another is ever read."""
    return f"s3://{bucket}/{PREFIX}{run_id}/{attempt}"


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def upload_job(s3: "S3Client", folder: Path, uri: str) -> None:
    """Store a job that was written into `folder`, which is called `uri` from then on, in the job itself too.

    Raises LakeUnavailableError.
    """
    job = folder / JOB_FILE
    job.write_text(job.read_text(encoding="utf-8").replace(str(folder), uri), encoding="utf-8")
    bucket, prefix = split_uri(uri)
    with aws_failures_named("S3", LakeUnavailableError):
        for file in sorted(folder.iterdir()):
            s3.upload_file(str(file), bucket, f"{prefix}/{file.name}")


def read_result(s3: "S3Client", uri: str) -> dict[str, Any]:
    """What Spark says that it has done. Raises LakeUnavailableError."""
    return Folder(s3, uri).read(RESULT_FILE)


def appended_lines(s3: "S3Client", uri: str, table: str) -> Iterator[bytes]:
    """The rows that the job has appended to a table, as lines of PostgreSQL's COPY. Raises LakeUnavailableError."""
    bucket, prefix = split_uri(uri)
    with aws_failures_named("S3", LakeUnavailableError):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/appended/{table}/part-")
        for page in pages:
            for found in page.get("Contents", ()):
                yield from s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].iter_chunks(_CHUNK_BYTES)


class Folder:
    """Objects below an address in S3. Each call raises LakeUnavailableError when S3 does not answer."""

    def __init__(self, s3: "S3Client", uri: str) -> None:
        self._s3 = s3
        self._bucket, self._prefix = split_uri(uri)

    def names(self) -> list[str]:
        """Of what lies in it."""
        with aws_failures_named("S3", LakeUnavailableError):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=f"{self._prefix}/")
            return [
                found["Key"].removeprefix(f"{self._prefix}/") for page in pages for found in page.get("Contents", ())
            ]

    def read(self, name: str) -> dict[str, Any]:
        """An object of JSON."""
        with aws_failures_named("S3", LakeUnavailableError):
            body = self._s3.get_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}")["Body"].read()
        value: dict[str, Any] = json.loads(body)
        return value

    def write(self, name: str, value: dict[str, Any]) -> None:
        """An object of JSON."""
        with aws_failures_named("S3", LakeUnavailableError):
            self._s3.put_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}", Body=json.dumps(value).encode())

    def upload(self, name: str, path: Path) -> None:
        """A file."""
        with aws_failures_named("S3", LakeUnavailableError):
            self._s3.upload_file(str(path), self._bucket, f"{self._prefix}/{name}")
