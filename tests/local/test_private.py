"""A private LocalStack lets in those only who sign with an access key of this installation."""

import http.client
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from local import processes
from local.deployment import aws
from local.deployment.access_key import SHARED, AccessKey
from local.servers.localstack import LocalStack
from tests.support.lambda_function import LambdaFunction

KEY = AccessKey("C360HOLDER", "a secret of this installation")
ASKED: dict[str, Callable[[Any], object]] = {  # of every protocol one service
    "s3": lambda client: client.list_buckets(),
    "sts": lambda client: client.get_caller_identity(),
    "lambda": lambda client: client.list_functions(),
    "stepfunctions": lambda client: client.list_state_machines(),
    "cloudformation": lambda client: client.list_stacks(),
    "secretsmanager": lambda client: client.list_secrets(),
    "apigateway": lambda client: client.get_rest_apis(),
    "logs": lambda client: client.describe_log_groups(logGroupNamePrefix="/aws/lambda/a b"),
    "sqs": lambda client: client.list_queues(),
    "events": lambda client: client.list_rules(),
}


@pytest.fixture(scope="module")
def private(scratch: Path) -> Iterator[str]:
    """The endpoint of a LocalStack for holders of KEY."""
    with LocalStack(scratch / "private", processes.free_port(), key=KEY).running() as running:
        yield running.url


def _send(endpoint: str, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    content = answer.status, answer.read()
    connection.close()
    return content


@pytest.mark.parametrize("service", ASKED)
def test_the_holder_of_the_key_gets_in(private: str, service: str) -> None:
    ASKED[service](aws.client(service, private, KEY))


@pytest.mark.parametrize("service", ASKED)
@pytest.mark.parametrize(
    "key",
    [
        SHARED,
        AccessKey(KEY.id, "another secret"),
        AccessKey("C360ANOTHER", KEY.secret),
        AccessKey("__internal_call__", "__internal_call__"),
        AccessKey("000000000000", "__internal_call__"),
    ],
    ids=["shared", "secret", "id", "internal", "account"],
)
def test_nobody_else_does(private: str, service: str, key: AccessKey) -> None:
    with pytest.raises(ClientError) as refused:
        ASKED[service](aws.client(service, private, key))
    assert refused.value.response["Error"]["Code"] in ("UnrecognizedClientException", "SignatureDoesNotMatch")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert "c360 env" in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize("name", ["plain.csv", "a b+c/dt=2026-11-01/ü ~%2F.csv", "//double", "q?a=1&b"])
def test_objects_of_any_name_come_and_go(private: str, name: str) -> None:
    s3 = aws.client("s3", private, KEY)
    bucket = f"b-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=name, Body=b"x" * 700_000)
    assert s3.get_object(Bucket=bucket, Key=name)["ContentLength"] == 700_000
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=name[:3])["Contents"]] == [name]
    assert _send(private, "GET", f"/{bucket}/plain.csv")[0] == 403, "nobody reads it without a signature"


def test_a_signed_url_opens_what_it_names_and_nothing_else(private: str) -> None:
    signer = boto3.client(
        "s3",
        "us-east-1",
        aws_access_key_id=KEY.id,
        aws_secret_access_key=KEY.secret,
        endpoint_url=private,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    signer.create_bucket(Bucket="signed")
    signer.put_object(Bucket="signed", Key="open.csv", Body=b"open")
    signer.put_object(Bucket="signed", Key="shut.csv", Body=b"shut")
    url = signer.generate_presigned_url("get_object", {"Bucket": "signed", "Key": "open.csv"})
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"open"
    for wrong in (url.replace("open.csv", "shut.csv"), url[:-4] + "0000", url.replace("X-Amz-Expires=3600", "X")):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(wrong)


def _signed(endpoint: str, body: bytes) -> dict[str, str]:
    headers = {"X-Amz-Target": "AWSStepFunctions.ListStateMachines", "Content-Type": "application/x-amz-json-1.0"}
    request = AWSRequest("POST", f"{endpoint}/", headers, body)
    SigV4Auth(Credentials(KEY.id, KEY.secret), "states", "us-east-1").add_auth(request)
    return dict(request.headers)


def test_what_was_signed_cannot_be_changed(private: str) -> None:
    headers = _signed(private, b'{"maxResults": 1}')
    assert _send(private, "POST", "/", b'{"maxResults": 1}', **headers)[0] == 200
    assert _send(private, "POST", "/", b'{"maxResults": 2}', **headers)[0] == 403
    assert _send(private, "POST", "/", b'{"maxResults": 1}', **headers | {"X-Amz-Date": "20200101T000000Z"})[0] == 403
    assert _send(private, "POST", "/?maxResults=2", b'{"maxResults": 1}', **headers)[0] == 403


def test_no_header_makes_a_caller_localstack_itself(private: str) -> None:
    internal = {"x-localstack-data": json.dumps({"service_principal": "lambda"})}
    target = {"X-Amz-Target": "AWSStepFunctions.ListStateMachines", "Content-Type": "application/x-amz-json-1.0"}
    assert _send(private, "POST", "/", b"{}", **target, **internal)[0] == 403


@pytest.mark.parametrize("path", ["/_aws/execute-api/", "/_aws/execute-api/id", "/_aws/execute-api/id/v1/customers"])
def test_the_way_to_the_apis_leads_to_no_other_service(private: str, path: str) -> None:
    target = {"X-Amz-Target": "AWSStepFunctions.ListStateMachines", "Content-Type": "application/x-amz-json-1.0"}
    for _ in range(2):  # before API Gateway is loaded, and after
        status, content = _send(private, "POST", path, b"{}", **target)
        assert status in (308, 403, 404)
        assert b"stateMachines" not in content
        aws.client("apigateway", private, KEY).get_rest_apis()


@pytest.mark.parametrize("service", ["f.lambda-url.us-east-1", "b.s3-website", "b.s3", "id.execute-api"])
@pytest.mark.parametrize("path", ["/_aws/execute-api/id/v1/customers", "/_localstack/health"])
def test_by_the_name_of_a_function_or_a_bucket_nothing_is_open(private: str, service: str, path: str) -> None:
    host = f"{service}.localhost.localstack.cloud:{urlsplit(private).port}"
    assert _send(private, "GET", path, Host=host)[0] == 403


def test_of_localstacks_own_pages_only_its_health_is_open(private: str) -> None:
    assert _send(private, "GET", "/_localstack/health")[0] == 200
    assert _send(private, "POST", "/_localstack/health", b'{"action": "restart"}')[0] == 403
    for path in ("/_localstack/diagnose", "/_localstack/init", "/_localstack/health/", "/_aws/lambda/runtimes", "/"):
        assert _send(private, "GET", path)[0] == 403


def test_a_function_works_by_its_own_role(private: str) -> None:
    aws.client("s3", private, KEY).create_bucket(Bucket="functions")
    function = LambdaFunction(
        private,
        """
        import boto3

        def handle(event, context):
            boto3.client("s3").put_object(Bucket="functions", Key="k", Body=b"v")
            return boto3.client("sts").get_caller_identity()["Arn"]
        """,
        key=KEY,
    )
    assert f"assumed-role/test/{function.name}" in function.invoke()


def test_the_key_is_made_once_and_its_owners_only(tmp_path: Path) -> None:
    file = tmp_path / "access-key.json"
    made = AccessKey.kept(file)
    assert AccessKey.kept(file) == made
    assert file.stat().st_mode & 0o077 == 0
    assert made != AccessKey.kept(tmp_path / "another.json")
    assert made.secret not in repr(made)
