"""The landing zone: which keys are files of which source and instant, in which order, and S3's failures by name."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from functions.common.errors import LandingUnavailableError, UnreadableObjectError
from functions.common.landing import (
    list_landed,
    parse_key,
    read_object,
    replay_key,
    s3_client,
    states_instant,
    why_ignored,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOADED = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
AT = datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=UTC)
DAY = datetime(2024, 1, 1, tzinfo=UTC)
BUCKET = "landing-zone"


@pytest.mark.parametrize(
    ("key", "source", "is_snapshot", "effective_at"),
    [
        ("landing/customers/a.csv", "customers", False, UPLOADED),
        ("landing/customers/a.csv.gz", "customers", False, UPLOADED),
        ("landing/products/dt=2024-02-29/export 1 (final).csv", "products", False, datetime(2024, 2, 29, tzinfo=UTC)),
        ("landing/transactions/dt=2024-01-01/ü.csv.gz", "transactions", False, datetime(2024, 1, 1, tzinfo=UTC)),
        ("landing/customers/snapshot/a.csv", "customers", True, UPLOADED),
        ("landing/customers/snapshot/dt=2024-01-01/a.csv", "customers", True, datetime(2024, 1, 1, tzinfo=UTC)),
        ("landing/any_source/.csv.csv", "any_source", False, UPLOADED),
        ("landing/customers/at=20240101T000000Z/a.csv", "customers", False, datetime(2024, 1, 1, tzinfo=UTC)),
        ("landing/customers/snapshot/at=20240506T070809.000001Z/a.csv", "customers", True, AT),
        ("landing/customers/snapshot/dt=2024-01-01/a.csv.replay-0123456789ab.csv", "customers", False, DAY),
        ("landing/customers/snapshot/dt=2024-01-01/a.replay-today.csv", "customers", True, DAY),
    ],
)
def test_a_key_tells_source_kind_and_instant(key: str, source: str, is_snapshot: bool, effective_at: datetime) -> None:
    assert parse_key(key, UPLOADED) == (source, is_snapshot, effective_at)


@pytest.mark.parametrize(
    "folder", ["", "dt=2024-01-01/", "at=20240101T000000Z/", "snapshot/", "snapshot/dt=2024-01-01/"]
)
@pytest.mark.parametrize("effective_at", [UPLOADED, AT, DAY], ids=str)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "b.csv.replay-0123456789ab.csv"])
def test_a_correction_is_a_delta_at_the_instant_of_its_file(folder: str, effective_at: datetime, name: str) -> None:
    """Right after it, where the key states the instant; also where the source's rule overrules the day in the key."""
    key = f"landing/customers/{folder}{name}"
    to = replay_key(key, effective_at, "0123456789ab")
    assert parse_key(to, datetime(2025, 1, 1, tzinfo=UTC)) == ("customers", False, effective_at)
    if "=" in folder and effective_at == DAY:
        assert to.startswith(key)
    else:
        assert states_instant(to)


@pytest.mark.parametrize(
    "key",
    [
        "landing/customers/",
        "landing/customers/a.txt",
        "landing/customers/a.csv.zip",
        "landing/customers/.csv",
        "landing/customers/2024/a.csv",
        "landing/customers/dt=2024-02-30/a.csv",
        "landing/customers/dt=2023-02-29/a.csv",
        "landing/customers/dt=20240101/a.csv",
        "landing/customers/dt=2024-1-1/a.csv",
        "landing/customers/dt=0000-01-01/a.csv",
        "landing/customers/dt=2024-01-01T00/a.csv",
        "landing/customers/dt=٢٠٢٤-01-01/a.csv",
        "landing/customers/at=٢٢٢٤0101T000000Z/a.csv",
        "landing/customers/at=20240230T000000Z/a.csv",
        "landing/customers/at=20240101T000000/a.csv",
        "landing/customers/at=2024-01-01T00:00:00Z/a.csv",
        "landing/customers/dt=2024-01-01/snapshot/a.csv",
        "landing/customers/dt=2024-01-01/dt=2024-01-02/a.csv",
        "landing/a.csv",
        "landing//a.csv",
        "other/customers/a.csv",
        "/landing/customers/a.csv",
        "landing/customers/a.csv\n",
    ],
)
def test_a_key_that_is_no_file_of_a_source_is_left_alone(key: str) -> None:
    assert parse_key(key, UPLOADED) is None


@pytest.mark.parametrize(
    ("key", "reason", "nearest"),
    [
        ("customer/a.csv", "no source 'customer'", "customers/a.csv"),
        ("Customers/a.csv", "no source 'Customers'", "customers/a.csv"),
        ("customers/dt=2026-1-5/a.csv", "written dt=YYYY-MM-DD", "customers/dt=2026-01-05/a.csv"),
        ("customers/dt=20261120/a.csv", "written dt=YYYY-MM-DD", "customers/dt=2026-11-20/a.csv"),
        ("customers/2026-11-20/a.csv", "written dt=YYYY-MM-DD", "customers/dt=2026-11-20/a.csv"),
        ("customers/dt=2026-11-20/snapshot/a.csv", "before dt=", "customers/snapshot/dt=2026-11-20/a.csv"),
        ("customers/SNAPSHOT/a.csv", "lower case", "customers/snapshot/a.csv"),
        ("customers/dt=2026-02-30/a.csv", "no such day", None),
        ("customers/from-shop-7/a.csv", "'from-shop-7' is no folder", None),
        ("customers/a.txt", "does not end in .csv", None),
        ("a.csv", "no folder of a source", None),
        ("suppliers/a.csv", "no source 'suppliers'", None),
    ],
)
def test_an_object_that_is_no_file_of_a_source_is_named_with_the_reason_and_the_nearest_right_key(
    key: str, reason: str, nearest: str | None
) -> None:
    ignored = why_ignored(f"landing/{key}", frozenset({"customers", "products"}))
    assert reason in ignored.reason
    assert ignored.nearest == (None if nearest is None else f"landing/{nearest}")


@pytest.mark.parametrize("name", ["CUST.CSV", "cust.Csv", "CUST.CSV.GZ", "cust.csv.GZ"])
def test_the_suffix_is_known_in_any_case(name: str) -> None:
    assert parse_key(f"landing/customers/{name}", UPLOADED) == ("customers", False, UPLOADED)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator["S3Client"]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


def test_versions_of_a_key_are_listed_oldest_first_and_foreign_objects_are_named(s3: "S3Client") -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    keys = ["customers/b.csv", "customers/a.csv", "customers/a.csv", "orders/a.csv", "customers/", "customers/x.txt"]
    for number, key in enumerate(keys):
        s3.put_object(Bucket=BUCKET, Key=f"landing/{key}", Body=str(number).encode())
    s3.put_object(Bucket=BUCKET, Key="elsewhere/customers/a.csv", Body=b"")
    landed, foreign = list_landed(s3, BUCKET, frozenset({"customers", "products"}))
    contents = [b"".join(read_object(s3, BUCKET, item.key, item.version_id)) for item in landed]
    assert [(item.key.rpartition("/")[2], content) for item, content in zip(landed, contents, strict=True)] == [
        ("a.csv", b"1"),
        ("a.csv", b"2"),
        ("b.csv", b"0"),
    ]
    assert [each.key for each in foreign] == ["landing/customers/x.txt", "landing/orders/a.csv"]
    assert {item.source for item in landed} == {"customers"}
    assert all(item.effective_at == item.uploaded_at for item in landed)


def test_a_bucket_without_versions_is_read_too(s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key="landing/customers/a.csv", Body=b"content")
    (item,) = list_landed(s3, BUCKET, frozenset({"customers"}))[0]
    assert b"".join(read_object(s3, BUCKET, item.key, item.version_id)) == b"content"


def _client(port: int) -> "S3Client":
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=2)
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


@pytest.fixture
def answering() -> Iterator[list[bytes]]:
    """A server on loopback that answers every request with the bytes in the list, then hangs up.

    The list's first item is its port.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answer = [str(listener.getsockname()[1]).encode()]

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(b"".join(answer[1:]))
                    connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield answer
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it",
        b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"",
    ],
    ids=["broken off", "slow down", "too many", "internal error", "hung up"],
)
def test_what_another_try_may_cure_is_named_so(answering: list[bytes], answer: bytes) -> None:
    answering.append(answer)
    with pytest.raises(LandingUnavailableError):
        list(read_object(_client(int(answering[0])), BUCKET, "landing/customers/a.csv", "null"))


def test_an_endpoint_that_nobody_serves_is_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(LandingUnavailableError):
        list_landed(_client(port), BUCKET, frozenset({"customers"}))


def test_an_object_that_we_may_not_read_is_unreadable_and_no_transient_failure(answering: list[bytes]) -> None:
    answering.append(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(UnreadableObjectError, match="denies access"):
        list(read_object(_client(int(answering[0])), BUCKET, "landing/customers/a.csv", "null"))


def test_our_client_tries_again_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    config: Any = s3_client().meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 6}
