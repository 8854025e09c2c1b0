"""Jobs that lie in S3, done by a Spark of this machine, which reads files: brought here, and its work brought back."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from functions.engine.stored_job import RESULT_FILE, split_uri
from functions.engine.vault_job import JOB_FILE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_APPENDED = "appended"


def do_stored_job(s3: "S3Client", uri: str, folder: Path, run: Callable[[Path], object]) -> None:
    """Do the job at `uri` in `folder`, which is gone afterwards: `run` is called with it, once the job lies there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        bucket, prefix = split_uri(uri)
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            for found in page.get("Contents", ()):
                name = found["Key"].removeprefix(f"{prefix}/")
                if "/" not in name:
                    s3.download_file(bucket, found["Key"], str(folder / name))
        job = folder / JOB_FILE
        job.write_text(job.read_text(encoding="utf-8").replace(uri, str(folder)), encoding="utf-8")
        run(folder)
        for file in sorted((folder / _APPENDED).glob("*/part-*")):
            s3.upload_file(str(file), bucket, f"{prefix}/{file.relative_to(folder).as_posix()}")
        # last: whoever finds it finds all
        s3.upload_file(str(folder / RESULT_FILE), bucket, f"{prefix}/{RESULT_FILE}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
