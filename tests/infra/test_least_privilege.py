"""Nobody may do more than it needs: IAM policies of both targets, and cdk-nag's rules on AWS."""

from pathlib import Path

import pytest

from infra.constructs import rds
from tests.support.synthesis import Synthesis, actions, flat, resources, synthesize


def test_no_policy_allows_everything(either: Synthesis) -> None:
    statements = list(either.statements())
    assert statements
    for name, statement in statements:
        assert not any(action == "*" or action.endswith(":*") for action in actions(statement)), name
        if "*" in resources(statement):
            services = {action.partition(":")[0] for action in actions(statement)}
            assert services <= {"ec2", "logs", "xray"}, f"{name} may {actions(statement)} everywhere"


def test_no_role_has_an_administrators_policy(either: Synthesis) -> None:
    managed = [
        flat(arn).rpartition("/")[2]
        for _, role in either.resources("AWS::IAM::Role")
        for arn in role["Properties"].get("ManagedPolicyArns", [])
    ]
    assert set(managed) <= {"AmazonAPIGatewayPushToCloudWatchLogs"}


def test_only_the_load_reads_files_and_nobody_writes_any_but_manifests(either: Synthesis) -> None:
    allowed = [
        (name, statement)
        for name, statement in either.statements()
        if any(action.startswith("s3:") for action in actions(statement)) and not name.startswith("ExportRole")
    ]
    assert {name.partition("Role")[0] for name, _ in allowed} == {"Load", "NightlyLoad"}
    assert {action for _, statement in allowed for action in actions(statement)} == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "s3:PutObject",
    }
    for _, statement in allowed:
        [resource] = resources(statement)
        assert "Landing" in resource
        if "s3:GetObjectVersion" in actions(statement):
            assert resource.endswith("/landing/*")
        if {"s3:GetObject", "s3:PutObject"} & set(actions(statement)):
            assert resource.endswith("/manifests/*")


def test_only_the_export_writes_the_lake_and_it_reaches_no_other_bucket(on_aws: Synthesis) -> None:
    allowed = [
        statement
        for name, statement in on_aws.statements()
        if name.startswith("ExportRole") and any(action.startswith("s3:") for action in actions(statement))
    ]
    found = {resources(statement)[0]: set(actions(statement)) for statement in allowed}
    assert all(resource.startswith("Lake") for resource in found)
    on_files = {resource for resource in found if resource.endswith("/lake/*")}
    assert [found[resource] for resource in on_files] == [
        {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"}
    ]
    assert [found[resource] for resource in found.keys() - on_files] == [{"s3:ListBucket"}]


def test_the_state_machine_may_point_the_lakes_tables_and_no_others(on_aws: Synthesis) -> None:
    [statement] = [each for _, each in on_aws.statements() if "glue:updateTable" in actions(each)]
    names = {resource.split(":")[-1] for resource in resources(statement)}
    assert names == {"catalog", "database/c360_lake", *(
        f"table/c360_lake/{name}" for name in ("customers", "products", "order_lines")
    )}  # fmt: skip


def test_a_function_may_sign_in_as_its_own_role_only(on_aws: Synthesis) -> None:
    users = {
        (name.partition("Role")[0], resource.rpartition("/")[2])
        for name, statement in on_aws.statements()
        if "rds-db:connect" in actions(statement)
        for resource in resources(statement)
    }
    assert {user for _, user in users} == {"c360_admin", "c360_loader", "c360_api"}
    assert {user for function, user in users if function == "Migrate"} == {"c360_admin"}
    assert {user for function, user in users if function == "Api"} == {"c360_api"}


def test_no_function_reads_a_secret_on_aws(on_aws: Synthesis) -> None:
    assert not [name for name, each in on_aws.statements() if "secretsmanager:GetSecretValue" in actions(each)]


def test_cdk_nag_fails_the_synth_when_a_finding_is_not_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default synth (fixture on_aws) passes; without the reason for one finding it must not."""
    monkeypatch.setattr(rds, "accept", lambda *_: None)
    with pytest.raises(RuntimeError, match="AwsSolutions::AwsSolutions-RDS11"):
        synthesize(tmp_path / "out", target="aws")
