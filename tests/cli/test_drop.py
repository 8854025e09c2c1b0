"""c360 drop: what is uploaded, what is left alone, and what is printed (S3 by moto)."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws
from mypy_boto3_s3 import S3Client

from cli.deployment import Deployment
from tests.support.command_line import C360

KEY = "landing/customers/dt=2026-01-02/customers.csv"


@pytest.fixture
def s3(deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """A versioned landing bucket, and a deployment that has it."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="landing-bucket")
        client.put_bucket_versioning(Bucket="landing-bucket", VersioningConfiguration={"Status": "Enabled"})
        deploy()
        yield client


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,first_name\nC1,Zoë\n", encoding="utf-8")
    return path


def _versions(s3: S3Client) -> int:
    return len(s3.list_object_versions(Bucket="landing-bucket").get("Versions", []))


def test_a_dropped_file_arrives_byte_for_byte_with_its_hash(c360: C360, s3: S3Client, file: Path) -> None:
    done = c360("drop", str(file), "--date", "2026-01-02", "--json")
    stored = s3.get_object(Bucket="landing-bucket", Key=KEY)
    assert stored["Body"].read() == file.read_bytes()
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    assert stored["Metadata"] == {"sha256": sha256}
    assert done.status == 0
    assert done.json == {
        "bucket": "landing-bucket",
        "files": [
            {
                "file": str(file), "key": KEY, "source": "customers", "status": "uploaded",
                "bytes": file.stat().st_size, "sha256": sha256, "version_id": stored["VersionId"],
            }
        ],
    }  # fmt: skip


def test_the_identical_object_is_left_alone(c360: C360, s3: S3Client, file: Path) -> None:
    first = c360("drop", str(file), "--date", "2026-01-02", "--json").json["files"][0]
    again = c360("drop", str(file), "--date", "2026-01-02", "--json").json["files"][0]
    assert again == first | {"status": "unchanged"}
    assert _versions(s3) == 1


def test_force_and_another_content_make_a_new_version(c360: C360, s3: S3Client, file: Path) -> None:
    for expected, options in ((1, ()), (2, ("--force",))):
        c360("drop", str(file), "--date", "2026-01-02", *options)
        assert _versions(s3) == expected
    file.write_text(file.read_text("utf-8").replace("Zoë", "Zoé"), encoding="utf-8")
    assert c360("drop", str(file), "--date", "2026-01-02", "--json").json["files"][0]["status"] == "uploaded"
    assert _versions(s3) == 3


def test_an_object_of_another_tool_is_known_by_its_etag(c360: C360, s3: S3Client, file: Path) -> None:
    s3.put_object(Bucket="landing-bucket", Key=KEY, Body=file.read_bytes())
    assert c360("drop", str(file), "--date", "2026-01-02", "--json").json["files"][0]["status"] == "unchanged"
    s3.put_object(Bucket="landing-bucket", Key=KEY, Body=bytes(file.stat().st_size))
    assert c360("drop", str(file), "--date", "2026-01-02", "--json").json["files"][0]["status"] == "uploaded"


def test_a_large_file_goes_up_in_parts(c360: C360, s3: S3Client, tmp_path: Path) -> None:
    large = tmp_path / "customers.csv"
    large.write_bytes(b"customer_id\n" + b"C000001\n" * 2_500_000)
    c360("drop", str(large), "--date", "2026-01-02")
    stored = s3.get_object(Bucket="landing-bucket", Key=KEY)
    assert stored["ETag"].strip('"').endswith("-2")
    assert hashlib.sha256(stored["Body"].read()).digest() == hashlib.sha256(large.read_bytes()).digest()
    assert c360("drop", str(large), "--date", "2026-01-02", "--json").json["files"][0]["status"] == "unchanged"


def test_nothing_is_uploaded_when_one_file_is_missing(c360: C360, s3: S3Client, file: Path) -> None:
    done = c360("drop", str(file), "missing.csv", "--json")
    assert done.status == 1
    assert done.json["error"]["message"] == "there is no file missing.csv"
    assert _versions(s3) == 0


def test_a_bucket_that_is_gone_is_one_clear_line(
    c360: C360, deploy: Callable[..., Deployment], s3: S3Client, file: Path
) -> None:
    deploy(landing_bucket="no-such-bucket")
    done = c360("drop", str(file))
    assert done.status == 1
    assert done.stderr.strip().splitlines()[-1].startswith("c360: ")
    assert "Traceback" not in done.stderr


def test_people_are_told_key_and_size(c360: C360, s3: S3Client, file: Path) -> None:
    done = c360("drop", str(file), "--date", "2026-01-02")
    assert KEY in done.stdout
    assert "uploaded" in done.stdout
    assert "c360 run" in done.stderr
