"""LocalStack answers those only who call it by a name of its own: no page on the internet reads its S3."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from local.deployment.aws import client

CSV = b"customer_id,email\nC1,ada@example.com\n"


@pytest.fixture(scope="module")
def csv(localstack: str) -> Iterator[str]:
    """The path of a raw CSV that everyone may read who gets as far as S3."""
    s3 = client("s3", localstack)
    s3.create_bucket(Bucket="landing")
    s3.put_object(Bucket="landing", Key="customers.csv", Body=CSV)
    yield "/landing/customers.csv"
    s3.delete_object(Bucket="landing", Key="customers.csv")
    s3.delete_bucket(Bucket="landing")


def _get(localstack: str, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    address = urlsplit(localstack).netloc
    connection = http.client.HTTPConnection(address, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers={"Host": address} | named)
    answer = connection.getresponse()
    content = answer.status, answer.read()
    connection.close()
    return content


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:4566", "localhost:4566", "LOCALHOST", "[::1]:4566", "localhost.localstack.cloud"]
)
def test_its_own_names_are_answered(localstack: str, csv: str, host: str) -> None:
    assert _get(localstack, csv, Host=host) == (200, CSV)


@pytest.mark.parametrize("name", ["landing.s3.localhost.localstack.cloud:4566", "landing.s3.localhost:4566"])
def test_a_buckets_name_is_its_own(localstack: str, csv: str, name: str) -> None:
    assert _get(localstack, csv, Host=name)[0] != 421


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "rebound.example:4566",
        "127.0.0.1.rebound.example",
        "localhost.rebound.example:4566",
        "notlocalhost",
        "[::1].rebound.example",
        "landing.s3.amazonaws.com",
        "",
    ],
)
def test_a_foreign_host_reads_nothing(localstack: str, csv: str, host: str) -> None:
    for path in (csv, "/_localstack/health", "/_aws/execute-api/id/v1/customers"):
        status, content = _get(localstack, path, Host=host)
        assert status == 421
        assert b"example.com" not in content


@pytest.mark.parametrize("origin", ["https://rebound.example", "http://localhost.rebound.example:4566", "null"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_pages_of_a_foreign_origin_read_nothing(localstack: str, csv: str, origin: str, method: str) -> None:
    for path in (csv, "/_localstack/health", "/_aws/execute-api/id/v1/customers"):
        status, content = _get(localstack, path, method, Origin=origin)
        assert status == 403
        assert b"example.com" not in content


def test_a_page_of_this_machine_reads(localstack: str, csv: str) -> None:
    assert _get(localstack, csv, Origin="http://localhost:3000") == (200, CSV)


def test_an_image_or_a_link_of_another_site_does_nothing(localstack: str) -> None:
    deletion = "/?Action=DeleteStack&StackName=C360-Data&Version=2010-05-15"
    assert _get(localstack, deletion, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    assert _get(localstack, deletion, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 403
