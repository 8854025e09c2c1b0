"""CloudFormation custom resources run on LocalStack: requests as documented, answers honoured, fakes refused."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from local.deployment.aws import check_created, client
from local.errors import LocalError
from tests.support.lambda_function import LambdaFunction

# Answers as its properties tell it, and keeps every request in a bucket.
ANSWERS = """
    import json, os, urllib.request
    import boto3

    def handle(event, context):
        properties = event["ResourceProperties"]
        s3 = boto3.client("s3")
        bucket = properties["Bucket"]
        number = len(s3.list_objects_v2(Bucket=bucket).get("Contents", []))
        s3.put_object(Bucket=bucket, Key=f"{number:03}", Body=json.dumps(event).encode())
        if properties.get("Behave") == "crash":
            raise RuntimeError("before it answered")
        if properties.get("Behave") == "silent":
            return
        answer = {
            "Status": "FAILED" if properties.get("Behave") == "fail" else "SUCCESS",
            "Reason": "because it was told to",
            "PhysicalResourceId": properties.get("Id", "the-id"),
            "StackId": event["StackId"], "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
            "Data": {"Answer": "forty-two", "Count": 42},
        }
        request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
        urllib.request.urlopen(request).close()
"""


class CustomStack:
    """A CloudFormation stack with one custom resource served by `ANSWERS`."""

    def __init__(self, endpoint: str, function: LambdaFunction, kind: str) -> None:
        self.client = client("cloudformation", endpoint)
        self.s3 = client("s3", endpoint)
        self.name = f"custom-{uuid.uuid4().hex[:8]}"
        self.bucket = f"requests-{uuid.uuid4().hex[:8]}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.function, self.kind = function, kind

    def template(self, **properties: object) -> str:
        resource = {"ServiceToken": self.function.arn, "Bucket": self.bucket, **properties}
        return json.dumps(
            {
                "Resources": {"Custom": {"Type": self.kind, "Properties": resource}},
                "Outputs": {
                    "Answer": {"Value": {"Fn::GetAtt": ["Custom", "Answer"]}},
                    "Count": {"Value": {"Fn::GetAtt": ["Custom", "Count"]}},
                    "Reference": {"Value": {"Ref": "Custom"}},
                },
            }
        )

    def create(self, **properties: object) -> None:
        self.client.create_stack(StackName=self.name, TemplateBody=self.template(**properties))
        self._wait("stack_create_complete")

    def update(self, **properties: object) -> None:
        self.client.update_stack(StackName=self.name, TemplateBody=self.template(**properties))
        self._wait("stack_update_complete")

    def delete(self) -> None:
        self.client.delete_stack(StackName=self.name)
        self._wait("stack_delete_complete")

    def outputs(self) -> dict[str, str]:
        stack = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def reasons(self) -> str:
        events = self.client.describe_stack_events(StackName=self.name)["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)

    def requests(self) -> list[dict[str, Any]]:
        keys = [item["Key"] for item in self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]
        return [json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()) for key in keys]

    def _wait(self, waiter: str) -> None:
        self.client.get_waiter(waiter).wait(StackName=self.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


@pytest.fixture(scope="module")
def function(localstack: str) -> LambdaFunction:
    return LambdaFunction(localstack, ANSWERS)


@pytest.fixture
def stack(localstack: str, function: LambdaFunction) -> CustomStack:
    return CustomStack(localstack, function, "AWS::CloudFormation::CustomResource")


def test_create_update_and_delete_carry_what_cloudformation_documents(stack: CustomStack) -> None:
    stack.create(Number=3, Flag=True, Nested={"List": [1, False]})
    assert stack.outputs() == {"Answer": "forty-two", "Count": "42", "Reference": "the-id"}
    check_created(stack.client, [stack.name])
    stack.update(Number=4)
    stack.delete()
    create, update, delete = stack.requests()

    assert create["RequestType"] == "Create"
    assert create["LogicalResourceId"] == "Custom"
    assert create["ResourceType"] == "AWS::CloudFormation::CustomResource"
    assert create["StackId"].startswith("arn:aws:cloudformation:us-east-1:000000000000:stack/")
    assert create["ResourceProperties"] == {
        "ServiceToken": stack.function.arn,
        "Bucket": stack.bucket,
        "Number": "3",
        "Flag": "true",
        "Nested": {"List": ["1", "false"]},
    }
    assert "PhysicalResourceId" not in create

    assert (update["RequestType"], update["PhysicalResourceId"]) == ("Update", "the-id")
    assert update["ResourceProperties"]["Number"] == "4"
    assert update["OldResourceProperties"] == create["ResourceProperties"]

    assert (delete["RequestType"], delete["PhysicalResourceId"]) == ("Delete", "the-id")
    assert delete["ResourceProperties"] == update["ResourceProperties"]


def test_a_custom_type_name_runs_too(localstack: str, function: LambdaFunction) -> None:
    stack = CustomStack(localstack, function, "Custom::Migration")
    stack.create()
    assert stack.outputs()["Reference"] == "the-id"
    assert stack.requests()[0]["ResourceType"] == "Custom::Migration"


def test_a_new_physical_id_deletes_the_old_one(stack: CustomStack) -> None:
    stack.create(Id="old")
    stack.update(Id="new")
    assert stack.outputs()["Reference"] == "new"
    assert [(r["RequestType"], r.get("PhysicalResourceId")) for r in stack.requests()] == [
        ("Create", None),
        ("Update", "old"),
        ("Delete", "old"),
    ]


def test_an_unchanged_resource_is_not_asked_again(stack: CustomStack) -> None:
    stack.create()
    body = json.loads(stack.template())
    body["Resources"]["Topic"] = {"Type": "AWS::SNS::Topic"}
    stack.client.update_stack(StackName=stack.name, TemplateBody=json.dumps(body))
    stack._wait("stack_update_complete")
    assert len(stack.requests()) == 1


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Behave": "fail"}, "because it was told to"),
        ({"Behave": "crash"}, "before it answered"),
        ({"Behave": "silent", "ServiceTimeout": 1}, "did not receive a response from your Custom Resource within 1 s"),
        ({"ServiceToken": "arn:aws:sns:us-east-1:000000000000:topic"}, "is not the ARN of a Lambda function"),
        ({"Id": ""}, "Invalid PhysicalResourceId"),
    ],
    ids=["says FAILED", "crashes", "stays silent", "no function", "no id"],
)
def test_a_failure_fails_the_stack_with_its_reason(
    stack: CustomStack, properties: dict[str, object], reason: str
) -> None:
    with pytest.raises(WaiterError):
        stack.create(**properties)
    assert reason in stack.reasons()


def test_the_guard_names_resources_that_were_only_pretended(localstack: str) -> None:
    cloudformation = client("cloudformation", localstack)
    name = f"faked-{uuid.uuid4().hex[:8]}"
    template = {
        "Resources": {
            "Real": {"Type": "AWS::SNS::Topic"},
            "Faked": {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardBody": "{}"}},
        }
    }
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    with pytest.raises(LocalError, match=rf"pretended to create {name}/Faked \(AWS::CloudWatch::Dashboard\);"):
        check_created(cloudformation, [name])
