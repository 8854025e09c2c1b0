"""The export's deployment package runs in AWS's Python runtime as it is built, and fits Lambda as a whole."""

import io
import json
import re
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet
import pytest

from functions.load.schema.migrate import migrate
from infra.constructs import bundle
from infra.constructs.bundle import EXPORT_REQUIREMENTS, MAX_UNZIPPED_BYTES, Machine, build_bundle
from infra.errors import BundleError
from infra.options import BundlePlatform
from local.deployment.aws import client

HERE = Machine.of(BundlePlatform.CONTAINER if sys.platform == "linux" else BundlePlatform.HOST)
"""What Lambda gets, for this processor."""
LAMBDA = Machine.of(BundlePlatform.LAMBDA)


@pytest.fixture(scope="module")
def package() -> Path:
    """What runs here."""
    return build_bundle(HERE, requirements=EXPORT_REQUIREMENTS)


@pytest.fixture(scope="module")
def for_lambda() -> Path:
    """What is deployed to AWS."""
    return build_bundle(LAMBDA, requirements=EXPORT_REQUIREMENTS)


def names(package: Path) -> set[str]:
    with zipfile.ZipFile(package) as archive:
        return set(archive.namelist())


def test_an_export_runs_from_the_bundle_in_lambdas_runtime(package: Path, localstack: str, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        migrate(connection, {})
        connection.execute(
            "insert into metadata.load_run (run_id, execution_arn, status, started_at)"
            " values ('run-1', 'arn', 'SUCCEEDED', now())"
        )
        connection.execute(
            "insert into business_vault.mart_product_analytics (product_id, total_sold, total_quantity, revenue)"
            " values ('P1', 1, 2, 3.5)"
        )
    s3, functions = client("s3", localstack), client("lambda", localstack)
    bucket = f"lake-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.upload_file(str(package), bucket, "bundle.zip")
    name = f"export-{uuid.uuid4().hex[:8]}"
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="functions.load.lake.export_handler.handle",
        Role="arn:aws:iam::000000000000:role/test",
        Code={"S3Bucket": bucket, "S3Key": "bundle.zip"},
        Timeout=120,
        MemorySize=1769,
        Environment={"Variables": {"DATABASE_URL": database_url, "LAKE_BUCKET": bucket}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    invoked = functions.invoke(FunctionName=name, Payload=json.dumps({"run_id": "run-1"}).encode())
    answer: dict[str, Any] = json.loads(invoked["Payload"].read())
    functions.delete_function(FunctionName=name)
    assert "FunctionError" not in invoked, answer
    assert answer["rows"] == {"customers": 0, "products": 1, "order_lines": 0}
    manifest = json.loads(s3.get_object(Bucket=bucket, Key="lake/manifest.json")["Body"].read())
    [key] = manifest["tables"]["products"]["files"]
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    written = pyarrow.parquet.ParquetFile(io.BytesIO(content))
    assert written.read().column("product_id").to_pylist() == ["P1"]
    assert written.metadata.row_group(0).column(0).compression == "ZSTD"


def test_the_whole_fits_lambda(package: Path, for_lambda: Path) -> None:
    for built in (package, for_lambda):
        with zipfile.ZipFile(built) as archive:
            assert sum(entry.file_size for entry in archive.infolist()) < 0.95 * MAX_UNZIPPED_BYTES, built


def test_what_lambda_gets_is_what_ran_but_for_the_processor(package: Path, for_lambda: Path) -> None:
    """So that no library is missing there that was here."""

    def alike(name: str) -> str:
        return re.sub(r"(aarch64|x86_64|arm64)-linux-gnu|-[0-9a-f]{8}(?=[.-])", "", name)

    def of_pyarrow(package: Path) -> set[str]:
        return {alike(name) for name in names(package) if name.startswith(("pyarrow/", "awswrangler/"))}

    assert of_pyarrow(for_lambda) - of_pyarrow(package) == set()
    assert of_pyarrow(package) - of_pyarrow(for_lambda) == set()


def test_it_carries_neither_what_the_runtime_has_nor_what_nobody_imports(for_lambda: Path) -> None:
    found = names(for_lambda)
    assert not {name.split("/")[0] for name in found} & {"boto3", "botocore", "setuptools", "fastapi", "cryptography"}
    assert not [name for name in found if "flight" in name.lower() or name.startswith("pyarrow/include/")]


def test_a_bundle_that_is_too_large_is_refused_whosever_it_is(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_UNZIPPED_BYTES", 100 << 20)
    with pytest.raises(BundleError, match=r"AWS Lambda takes 100 MB: remove something from requirements/export\.in"):
        bundle._check_size(package, EXPORT_REQUIREMENTS)
