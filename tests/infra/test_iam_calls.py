"""Each function may make the calls that it makes, and no others: its own code against its own synthesized policy."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from functions.api.security import key_store, keys_handler
from functions.common import environment
from functions.engine import stored_job
from functions.load import handler as load_handler
from functions.load.lake import export as lake
from functions.load.lake import export_handler
from functions.load.plan import manifest
from functions.load.schema import migrate_handler
from functions.load.schema.migrate import ROLES, migrate
from functions.stream import brokers_handler
from local.servers.postgres import PostgresServer
from tests.support.aws_calls import API, BROKERS, ENGINE, EXPORT, KEYS, LOAD, MIGRATE, NEEDED, Call, recorded
from tests.support.custom_resource import CREATE, listening
from tests.support.database import fresh_database
from tests.support.iam import Policy, Templates
from tests.support.issuer import issuer
from tests.support.lambda_context import handler_signed_in, lambda_context
from tests.support.synthesis import synthesize

CLUSTER = "arn:aws:kafka:us-east-1:123456789012:cluster/c360-clickstream/11111111-2222-3333-4444-555555555555-1"
EVERYTHING = {
    "target": "aws",
    "audit_bucket": "enabled",
    "engine": "spark",
    "stream": "provisioned",
    "stream_pollers": "1",
    "quicksight_principal": "arn:aws:quicksight:us-east-1:123456789012:user/default/someone",
    "jwt_issuer": "https://issuer.example",
    "jwt_audience": "shop",
}
MODULES = (
    LOAD,
    EXPORT,
    MIGRATE,
    API,
    KEYS,
    BROKERS,
    ENGINE,
    "functions.load.plan.run_end_handler",
    "functions.stream.handler",
    "functions.stream.dead_letter_handler",
    "functions.stream.topic_handler",
)

_BY_LAMBDA = "Lambda does it with the function's role: its network interfaces, log and traces"
_BY_MAPPING = "the event source mapping does it with the function's role"
_BY_KAFKA = "Kafka's own protocol asks for it, by signed tokens"
REVIEWED: dict[str, dict[str, str]] = {
    "": {
        "ec2:AssignPrivateIpAddresses": _BY_LAMBDA,
        "ec2:CreateNetworkInterface": _BY_LAMBDA,
        "ec2:DeleteNetworkInterface": _BY_LAMBDA,
        "ec2:DescribeNetworkInterfaces": _BY_LAMBDA,
        "ec2:DescribeSubnets": _BY_LAMBDA,
        "ec2:UnassignPrivateIpAddresses": _BY_LAMBDA,
        "logs:CreateLogStream": _BY_LAMBDA,
        "logs:PutLogEvents": _BY_LAMBDA,
        "xray:PutTelemetryRecords": _BY_LAMBDA,
        "xray:PutTraceSegments": _BY_LAMBDA,
        "rds-db:connect": "PostgreSQL asks for it: a token is signed without a call",
    },
    LOAD: {
        "s3:ListBucket": "with it, S3 answers 404 and not 403 for an object that is gone",
    },
    ENGINE: {"s3:AbortMultipartUpload": "an upload of parts that fails is taken back"},
    EXPORT: {"s3:AbortMultipartUpload": "an upload of parts that fails is taken back"},
    MIGRATE: {"secretsmanager:DescribeSecret": "CDK grants it with the reading of a secret"},
    "functions.load.plan.run_end_handler": {"sqs:SendMessage": "Lambda sends there what the function failed on"},
    "functions.stream.handler": {
        "kafka:DescribeCluster": _BY_MAPPING,
        "kafka:DescribeClusterV2": _BY_MAPPING,
        "kafka:GetBootstrapBrokers": _BY_MAPPING,
        "kafka-cluster:Connect": _BY_MAPPING,
        "kafka-cluster:DescribeClusterDynamicConfiguration": _BY_MAPPING,
        "kafka-cluster:DescribeTopic": _BY_MAPPING,
        "kafka-cluster:ReadData": _BY_MAPPING,
        "kafka-cluster:AlterGroup": _BY_MAPPING,
        "kafka-cluster:DescribeGroup": _BY_MAPPING,
        "ec2:DescribeSecurityGroups": _BY_MAPPING,
        "ec2:DescribeVpcs": _BY_MAPPING,
        "s3:ListBucket": _BY_MAPPING,
        "s3:PutObject": _BY_MAPPING,
    },
    "functions.stream.topic_handler": {
        "kafka-cluster:Connect": _BY_KAFKA,
        "kafka-cluster:AlterTopic": _BY_KAFKA,
        "kafka-cluster:AlterTopicDynamicConfiguration": _BY_KAFKA,
        "kafka-cluster:CreateTopic": _BY_KAFKA,
        "kafka-cluster:DescribeTopic": _BY_KAFKA,
        "kafka-cluster:DescribeTopicDynamicConfiguration": _BY_KAFKA,
    },
}
"""What a function may do, though its code does not: of which function (of all: ""), which action, and why."""


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """Everything that can be switched on."""
    templates = Templates(synthesize(tmp_path_factory.mktemp("iam") / "cdk.out", **EVERYTHING))
    templates.physical[templates.of_type("AWS::MSK::Cluster")] = CLUSTER
    return templates


@pytest.fixture(scope="module")
def calls(
    templates: Templates, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, set[Call]]]:
    """Handler's module -> the calls that it made, in the environment that its template gives it."""
    with pytest.MonkeyPatch.context() as patch, fresh_database(postgres_server) as url:
        for name, value in (("DEFAULT_REGION", "us-east-1"), ("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x")):
            patch.setenv(f"AWS_{name}", value)
        with mock_aws(), handler_signed_in(url, patch):
            made = {MIGRATE: _migrate(templates, url, patch)}
            s3 = boto3.client("s3")
            patch.setattr(environment, "s3", lambda: s3)
            made[LOAD] = _load(templates, patch, s3)
            made[EXPORT] = _export(templates, patch, s3)
            made[KEYS], made[API] = _keys(templates, patch, s3)
            made[BROKERS] = _brokers(patch)
            made[ENGINE] = _engine(templates, patch, s3, tmp_path_factory.mktemp("job"))
        yield made


def _settings(templates: Templates, patch: pytest.MonkeyPatch, module: str, *names: str) -> dict[str, str]:
    """Give the process these variables of the function."""
    found = {name: value for name, value in templates.environment(module).items() if name in names}
    assert found.keys() == {*names}
    for name, value in found.items():
        patch.setenv(name, value)
    return found


def _migrate(templates: Templates, url: str, patch: pytest.MonkeyPatch) -> set[Call]:
    secrets = boto3.client("secretsmanager")
    arn = secrets.create_secret(Name="bi", SecretString=json.dumps({"username": "c360_bi", "password": "p"}))["ARN"]
    templates.physical[templates.of_type("AWS::SecretsManager::Secret")] = arn
    assert json.loads(templates.environment(MIGRATE)["DATABASE_ROLE_SECRETS"]) == {"c360_bi": arn}
    patch.setenv("DATABASE_ROLE_SECRETS", json.dumps(dict.fromkeys(ROLES, arn)))  # there is no rds_iam here
    with listening() as answers, recorded() as made:
        migrate_handler.handle({**CREATE, "ResponseURL": answers.url}, lambda_context())
    assert [answer["Status"] for answer in answers.got] == ["SUCCESS"]
    with psycopg.connect(url) as connection:
        migrate(connection, dict.fromkeys(ROLES, "x"))  # roles belong to the server, which other tests use too
    return made


def _load(templates: Templates, patch: pytest.MonkeyPatch, s3: Any) -> set[Call]:
    """A night with a file that is split, a file that is not, a manifest, and copies of the audit trail."""
    buckets = _settings(templates, patch, LOAD, "LANDING_BUCKET", "AUDIT_BUCKET")
    patch.setenv("LANDING_SPLIT_BYTES", "200000")
    for bucket in buckets.values():
        s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rows = "".join(f"P{number},name of product {number}\n" for number in range(20_000))
    s3.put_object(
        Bucket=buckets["LANDING_BUCKET"], Key="landing/products/a.csv", Body=f"product_id,product_name\n{rows}"
    )
    s3.put_object(Bucket=buckets["LANDING_BUCKET"], Key="landing/customers/b.csv", Body=b"customer_id\nC1\n")

    def step(name: str, **more: object) -> dict[str, Any]:
        return load_handler.handle({"step": name, "run_id": "run-1", **more}, lambda_context())

    with recorded() as made:
        planned = step("plan", execution_arn="arn", started_at="2026-11-23T00:03:42.378Z", input={})
        assert planned["large_count"] == 1
        for large in planned["large"]:
            step("split", **large)
        patch.setattr(manifest, "INLINE_LIMIT", 1)
        assert step("parts")["are_many_files"]
        patch.setattr(manifest, "INLINE_LIMIT", 1_000)
        for item in step("parts")["files"]:
            step("stage", **item)
        for name in ("check_staging", "hubs", "links", "satellites", "check_vault", "publish", "finish", "retention"):
            step(name)
    return made


def _export(templates: Templates, patch: pytest.MonkeyPatch, s3: Any) -> set[Call]:
    """Three exports: the third removes the first."""
    bucket = _settings(templates, patch, EXPORT, "LAKE_BUCKET")["LAKE_BUCKET"]
    s3.create_bucket(Bucket=bucket)
    patch.setattr(lake, "_BEING_WRITTEN", timedelta(seconds=-1))  # nothing is too young to be removed
    with recorded() as made:
        for _ in range(3):
            export_handler.handle({"run_id": "run-1"}, lambda_context())
    return made


def _keys(templates: Templates, patch: pytest.MonkeyPatch, s3: Any) -> tuple[set[Call], set[Call]]:
    url = _settings(templates, patch, KEYS, "JWT_JWKS_URL")["JWT_JWKS_URL"]
    assert templates.environment(API)["JWT_JWKS_URL"] == url
    s3.create_bucket(Bucket=url.split("/")[2])
    key_store._client.cache_clear()
    with issuer() as (_, published), listening() as answers:
        patch.setenv("JWT_KEYS_PUBLISHED", published)
        with recorded() as copying:
            keys_handler.handle({}, lambda_context())
        with recorded() as reading:
            key_store.stored_keys(url)
        with recorded() as removing:
            gone = {"RequestType": "Delete", "ResponseURL": answers.url, "PhysicalResourceId": "c360-issuer-keys"}
            keys_handler.handle({**CREATE, **gone}, lambda_context())
    assert [answer["Status"] for answer in answers.got] == ["SUCCESS"]
    key_store._client.cache_clear()
    return copying | removing, reading


def _engine(templates: Templates, patch: pytest.MonkeyPatch, s3: Any, folder: Path) -> set[Call]:
    """A job that is stored, and what Spark has left with it."""
    bucket = _settings(templates, patch, ENGINE, "WAREHOUSE_BUCKET")["WAREHOUSE_BUCKET"]
    s3.create_bucket(Bucket=bucket)
    uri = stored_job.job_uri(bucket, "run-1", "first")
    (folder / "job.json").write_text(json.dumps({"scratch": str(folder)}))
    prefix = stored_job.split_uri(uri)[1]
    s3.put_object(Bucket=bucket, Key=f"{prefix}/result.json", Body=b'{"snapshots": {}}')
    s3.put_object(Bucket=bucket, Key=f"{prefix}/appended/hub_customer/part-0.txt", Body=b"a line\n")
    with recorded() as made:
        stored_job.upload_job(s3, folder, uri)
        assert stored_job.read_result(s3, uri) == {"snapshots": {}}
        assert b"".join(stored_job.appended_lines(s3, uri, "hub_customer")) == b"a line\n"
    stored = s3.get_object(Bucket=bucket, Key=f"{prefix}/job.json")["Body"].read()
    assert json.loads(stored) == {"scratch": uri}, "it names its files where Spark finds them"
    return made


def _brokers(patch: pytest.MonkeyPatch) -> set[Call]:
    kafka = boto3.client("kafka")
    with Stubber(kafka) as stubber, listening() as answers, patch.context() as inner, recorded() as made:
        inner.setattr("boto3.client", lambda _name: kafka)
        stubber.add_response("get_bootstrap_brokers", {"BootstrapBrokerStringSaslIam": "b:9098"})
        properties = {"ServiceToken": "arn", "ClusterArn": CLUSTER}
        brokers_handler.handle(
            {**CREATE, "ResponseURL": answers.url, "ResourceProperties": properties}, lambda_context()
        )
    assert [answer["Status"] for answer in answers.got] == ["SUCCESS"]
    return made


def test_every_function_of_the_templates_is_looked_at(templates: Templates) -> None:
    handlers = {
        each["Properties"]["Handler"].removesuffix(".handle")
        for each in templates.resources.values()
        if each["Type"] == "AWS::Lambda::Function"
    }
    assert handlers == {*MODULES}


def test_each_call_is_allowed(templates: Templates, calls: dict[str, set[Call]]) -> None:
    for module, made in calls.items():
        policy = Policy(templates, module)
        refused = sorted(f"{c.action} on {c.resource}" for c in made if not policy.fitting(c.action, c.resource))
        assert not refused, f"{module} would be refused: {refused}"


def test_what_functions_need_is_what_they_call(calls: dict[str, set[Call]]) -> None:
    assert {module: {call.action for call in made} for module, made in calls.items()} == NEEDED


@pytest.mark.parametrize("module", MODULES)
def test_nothing_is_allowed_that_no_call_needs(module: str, templates: Templates, calls: dict[str, set[Call]]) -> None:
    policy = Policy(templates, module)
    used = {each for call in calls.get(module, ()) for each in policy.fitting(call.action, call.resource)}
    unused = {each.action for each in policy.allowed - used}
    reviewed = REVIEWED.get(module, {}).keys() | REVIEWED[""].keys()
    assert unused <= reviewed
    assert REVIEWED.get(module, {}).keys() <= unused, "reviewed, but not allowed, or called"


def test_another_bucket_another_prefix_and_another_action_are_refused(templates: Templates) -> None:
    policy = Policy(templates, LOAD)
    landing = f"arn:aws:s3:::{templates.environment(LOAD)['LANDING_BUCKET']}"
    assert policy.fitting("s3:GetObjectVersion", f"{landing}/landing/customers/a.csv")
    assert not policy.fitting("s3:GetObjectVersion", f"{landing}/elsewhere/a.csv")
    assert not policy.fitting("s3:GetObjectVersion", "arn:aws:s3:::another/landing/customers/a.csv")
    assert policy.fitting("s3:PutObject", f"{landing}/manifests/run-1/files.json")
    assert not policy.fitting("s3:PutObject", f"{landing}/landing/customers/a.csv")


def test_a_call_that_no_function_is_known_to_make_fails_the_test_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    code = "def ask(s3):\n    return s3.get_bucket_acl(Bucket='b')\n"
    scope: dict[str, Any] = {"__name__": "functions.load.plan.plan"}
    exec(compile(code, tmp_path / "plan.py", "exec"), scope)  # noqa: S102
    with mock_aws(), pytest.raises(AssertionError, match=r"functions\.load\.handler calls s3:GetBucketAcl"):
        scope["ask"](boto3.client("s3", aws_access_key_id="x", aws_secret_access_key="x"))
