"""Where everything is, and the API's key, which is read only when it is asked for."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from cli.deployment import Deployment, open_deployment
from cli.options import Target
from local.deployment.aws import REGION, client
from tests.support.command_line import C360
from tests.support.synthesis import REPOSITORY

PREFIX = "Keyed"
VALUE = "a-key-that-only-api-gateway-and-we-know"
KEY = {"Type": "AWS::ApiGateway::ApiKey", "Properties": {"Enabled": True, "Value": VALUE}}
STACKS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Data": ({}, {"LandingBucketName": "landing"}),
    "Pipeline": ({}, {"StateMachineArn": "arn"}),
    "Api": ({"Key": KEY}, {"ApiUrl": "https://api.example/v1/", "ApiKeyId": {"Ref": "Key"}}),
}


@pytest.fixture(scope="module")
def deployed(localstack: str) -> Iterator[None]:
    """Stacks with the outputs of a deployment whose API asks for a key."""
    cloudformation = client("cloudformation", localstack)
    for name, (resources, outputs) in STACKS.items():
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, **resources},
            "Outputs": {output: {"Value": value} for output, value in outputs.items()},
        }
        cloudformation.create_stack(StackName=f"{PREFIX}-{name}", TemplateBody=json.dumps(template))
        cloudformation.get_waiter("stack_create_complete").wait(StackName=f"{PREFIX}-{name}", WaiterConfig={"Delay": 1})
    yield
    for name in STACKS:
        cloudformation.delete_stack(StackName=f"{PREFIX}-{name}")


@pytest.mark.parametrize("target", ["aws", "localstack"])
def test_outputs_print_the_true_key_and_nothing_else_reads_it(
    c360: C360, localstack: str, deployed: None, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "C360_STACK_PREFIX": PREFIX,
        "C360_LOCALSTACK_URL": localstack,
        "AWS_ENDPOINT_URL": localstack,  # the account of target aws
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    printed = c360("outputs", "--target", target, "--json").json
    assert (printed["target"], printed["api_key"]) == (target, VALUE)
    assert VALUE in c360("outputs", "--target", target).stdout
    assert open_deployment(Target(target)).outputs.api_key is None


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS", "DELETE_FAILED"])
def test_a_stack_that_was_never_whole_is_named_with_the_way_out(
    c360: C360, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """As CloudFormation describes it: a stack without outputs. LocalStack keeps none in these states."""
    cloudformation = boto3.client("cloudformation", REGION, aws_access_key_id="test", aws_secret_access_key="test")
    stubber = Stubber(cloudformation)
    stack = {"StackName": "C360-Data", "CreationTime": datetime.now(UTC), "StackStatus": status}
    for _ in range(2):
        stubber.add_response("describe_stacks", {"Stacks": [stack]}, {"StackName": "C360-Data"})
    stubber.activate()
    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: cloudformation)
    done = c360("outputs", "--target", "aws")
    assert done.status == 1
    assert f"the stack C360-Data is {status}" in done.stderr
    [section] = re.findall(r"docs/runbook\.md, section (.+), has the ways out", done.stderr)
    runbook = (REPOSITORY / "docs" / "runbook.md").read_text("utf-8")
    assert status in runbook.partition(f"## {section}\n")[2].partition("\n## ")[0]


def test_without_credentials_one_line_says_how_to_sign_in(
    c360: C360, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    done = c360("outputs", "--target", "aws")
    assert done.status == 1
    assert "no AWS credentials" in done.stderr
    assert "aws sso login" in done.stderr


def test_the_embedded_platform_knows_its_key(c360: C360, deploy: Callable[..., Deployment]) -> None:
    deploy(api_key="k" * 40)
    assert c360("outputs", "--json").json["api_key"] == "k" * 40
    deploy()
    assert c360("outputs", "--json").json["api_key"] is None
