"""Where everything is, and the API's key, which is read only when it is asked for."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli.deployment import Deployment, open_deployment
from cli.options import Target
from local.aws import REGION, client
from tests.support.command_line import C360

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


def test_the_embedded_platform_knows_its_key(c360: C360, deploy: Callable[..., Deployment]) -> None:
    deploy(api_key="k" * 40)
    assert c360("outputs", "--json").json["api_key"] == "k" * 40
    deploy()
    assert c360("outputs", "--json").json["api_key"] is None
