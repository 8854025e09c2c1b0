"""A changed API is served as it is now, although LocalStack does not update what it has."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import yaml

from local.deployment.aws import client, delete_changed_apis

STACK = "ChangedApi"


def _template(*, key: bool, description: str = "") -> dict[str, Any]:
    """An API that answers by itself, with a key or without."""
    answer = {"StatusCode": "200", "ResponseTemplates": {"application/json": "{}"}}
    method = {
        "RestApiId": {"Ref": "RestApi"},
        "ResourceId": {"Fn::GetAtt": ["RestApi", "RootResourceId"]},
        "HttpMethod": "GET",
        "AuthorizationType": "NONE",
        "ApiKeyRequired": key,
        "Integration": {
            "Type": "MOCK",
            "RequestTemplates": {"application/json": '{"statusCode": 200}'},
            "IntegrationResponses": [answer],
        },
        "MethodResponses": [{"StatusCode": "200"}],
    }
    deployment = f"Deployment{'Keyed' if key else 'Open'}"  # as the CDK names it: another one for other methods
    return {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": description}},
            "RestApi": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": STACK}},
            "Method": {"Type": "AWS::ApiGateway::Method", "Properties": method},
            deployment: {
                "Type": "AWS::ApiGateway::Deployment",
                "Properties": {"RestApiId": {"Ref": "RestApi"}},
                "DependsOn": ["Method"],
            },
            "Stage": {
                "Type": "AWS::ApiGateway::Stage",
                "Properties": {
                    "RestApiId": {"Ref": "RestApi"},
                    "DeploymentId": {"Ref": deployment},
                    "StageName": "v1",
                },
            },
        },
        "Outputs": {"Id": {"Value": {"Ref": "RestApi"}}},
    }


def _deploy(endpoint: str, template: dict[str, Any], text: Callable[[Any], str] = json.dumps) -> str:
    """Deploy as `CdkApp.deploy` does, large templates as JSON and small ones as YAML; the API's id."""
    cloudformation = client("cloudformation", endpoint)
    body = text(template)
    delete_changed_apis(cloudformation, {STACK: template, "NeverDeployed": template})
    try:
        cloudformation.update_stack(StackName=STACK, TemplateBody=body)
        done = "stack_update_complete"
    except cloudformation.exceptions.ClientError:
        cloudformation.create_stack(StackName=STACK, TemplateBody=body)
        done = "stack_create_complete"
    cloudformation.get_waiter(done).wait(StackName=STACK, WaiterConfig={"Delay": 1})
    [output] = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
    return str(output["OutputValue"])


def _status(endpoint: str, api_id: str) -> int:
    try:
        with urllib.request.urlopen(f"{endpoint}/_aws/execute-api/{api_id}/v1/", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_changed_api_is_recreated_and_an_unchanged_one_stays(localstack: str) -> None:
    open_api = _deploy(localstack, _template(key=False))
    assert _status(localstack, open_api) == 200
    for text in (json.dumps, yaml.safe_dump):
        changed = _template(key=False, description=f"something else than the API is changed by {text.__name__}")
        assert _deploy(localstack, changed, text) == open_api
        assert _deploy(localstack, _template(key=False), text) == open_api
    assert _status(localstack, open_api) == 200
    for key, status in ((True, 403), (False, 200), (True, 403)):
        assert _status(localstack, _deploy(localstack, _template(key=key))) == status
    client("cloudformation", localstack).delete_stack(StackName=STACK)
