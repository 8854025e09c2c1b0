"""`cdk destroy` ends well: what is kept stands on nothing that goes, and what goes holds nothing that stops it."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from functions.common.empty_bucket_handler import handle
from tests.support.custom_resource import CREATE, listening
from tests.support.lambda_context import lambda_context
from tests.support.synthesis import Synthesis, synthesize

WHOLE = {"stream": "provisioned", "alert_email": "data@example.com"}
PRINCIPAL = "arn:aws:quicksight:us-east-1:123456789012:user/default/somebody"


@pytest.fixture(scope="module", params=["rds", "aurora"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """Everything that can be switched on, with either database."""
    folder = tmp_path_factory.mktemp(f"kept-{request.param}") / "cdk.out"
    options = {"audit_bucket": "enabled", "quicksight_principal": PRINCIPAL, "database_logs": "enabled"}
    options |= {"customer_key": "enabled", "database_access": "tunnel"}
    return synthesize(folder, target="aws", database=request.param, **WHOLE, **options)


@pytest.fixture(scope="module", params=["rds", "aurora"])
def thrown_away(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """A deployment whose data go with it."""
    folder = tmp_path_factory.mktemp(f"gone-{request.param}") / "cdk.out"
    return synthesize(folder, target="aws", database=request.param, keep_data="disabled", **WHOLE)


def stacks(synthesis: Synthesis) -> Iterator[dict[str, dict[str, Any]]]:
    for file in synthesis.files:
        yield json.loads(file.read_text())["Resources"]


def is_kept(resource: dict[str, Any]) -> bool:
    return str(resource.get("DeletionPolicy", "Delete")).startswith("Retain")


def references(value: Any) -> Iterator[str]:
    """Logical ids of the same stack that a resource's properties name."""
    match value:
        case {"Ref": str(name)}:
            yield name
        case {"Fn::GetAtt": [str(name), _]}:
            yield name
        case dict():
            for each in value.values():
                yield from references(each)
        case list():
            for each in value:
                yield from references(each)


def test_what_is_kept_stands_on_nothing_that_is_deleted(kept: Synthesis) -> None:
    seen = 0
    for resources in stacks(kept):
        for name, resource in resources.items():
            if is_kept(resource):
                seen += 1
                for other in set(references(resource["Properties"])) & resources.keys():
                    assert is_kept(resources[other]), f"{other} goes, and {name} needs it"
    assert seen > 20


def test_the_kept_database_keeps_its_network_and_so_its_way_in(kept: Synthesis) -> None:
    [data] = [resources for resources in stacks(kept) if any(r["Type"] == "AWS::EC2::VPC" for r in resources.values())]
    network = [resource for resource in data.values() if resource["Type"].startswith(("AWS::EC2", "AWS::RDS"))]
    assert {"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup"} <= {each["Type"] for each in network}
    for resource in network:
        assert is_kept(resource), resource["Type"]


def test_no_bucket_that_goes_is_left_with_something_in_it(kept: Synthesis, thrown_away: Synthesis) -> None:
    assert set(buckets_that_go(kept)) == set()
    going = buckets_that_go(thrown_away)
    assert {name[:-8] for name in going} == {"Landing", "Lake", "GivenUp"}
    for name, emptied_by in going.items():
        [resource] = emptied_by
        assert name in resource["DependsOn"], "so that CloudFormation deletes it after the resource that empties it"


def buckets_that_go(synthesis: Synthesis) -> dict[str, list[dict[str, Any]]]:
    """Buckets that are deleted with their stacks, each with the custom resources that empty it."""
    return {
        name: [
            each
            for each in resources.values()
            if each["Type"] == "AWS::CloudFormation::CustomResource"
            and name in references(each["Properties"].get("BucketName"))
        ]
        for resources in stacks(synthesis)
        for name, bucket in resources.items()
        if bucket["Type"] == "AWS::S3::Bucket" and not is_kept(bucket)
    }


def test_a_deployment_to_try_things_in_leaves_nothing_behind(thrown_away: Synthesis) -> None:
    left = {
        resource["Type"] for resources in stacks(thrown_away) for resource in resources.values() if is_kept(resource)
    }
    assert left <= {"AWS::ApiGateway::Account", "AWS::IAM::Role"}, "of the region, shared by all its APIs"
    databases = [
        resource["Properties"]["DeletionProtection"]
        for resources in stacks(thrown_away)
        for resource in resources.values()
        if "DeletionProtection" in resource.get("Properties", {})
    ]
    assert databases == [False]


def test_a_bucket_is_emptied_of_all_versions_on_delete_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="full")
        s3.put_bucket_versioning(Bucket="full", VersioningConfiguration={"Status": "Enabled"})
        for number in range(3):
            s3.put_object(Bucket="full", Key="a", Body=str(number).encode())
        s3.put_object(Bucket="full", Key="b", Body=b"")
        s3.delete_object(Bucket="full", Key="b")

        def send(request_type: str) -> str:
            event = {**CREATE, "RequestType": request_type, "ResourceProperties": {"BucketName": "full"}}
            with listening() as answers:
                handle({**event, "ResponseURL": answers.url}, lambda_context())
                return str(answers.got[0]["Status"])

        assert send("Create") == send("Update") == "SUCCESS"
        assert len(s3.list_object_versions(Bucket="full")["Versions"]) == 4
        assert send("Delete") == "SUCCESS"
        s3.delete_bucket(Bucket="full")
        assert send("Delete") == "FAILED", "and CloudFormation is told"
