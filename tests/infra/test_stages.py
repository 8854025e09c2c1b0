"""Two stages side by side in one account: nothing that AWS wants to be unique is named alike."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.config import DeploymentConfig
from infra.errors import ConfigError
from tests.support.synthesis import Synthesis, synthesize

OPTIONS = {
    "stream": "provisioned",
    "alert_email": "data@example.com",
    "budget": "200",
    "quicksight_principal": "arn:aws:quicksight:us-east-1:123456789012:user/default/somebody",
}


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Synthesis, Synthesis]:
    dev, prod = (
        synthesize(tmp_path_factory.mktemp(stage) / "cdk.out", target="aws", stage=stage, **OPTIONS)
        for stage in ("dev", "prod")
    )
    return dev, prod


def resources(synthesis: Synthesis) -> Iterator[tuple[str, dict[str, Any]]]:
    for file in synthesis.files:
        for resource in json.loads(file.read_text())["Resources"].values():
            yield resource["Type"], resource.get("Properties", {})


UNIQUE = {
    "AWS::MSK::Cluster": "ClusterName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::QuickSight::Dashboard": "DashboardId",
    "AWS::QuickSight::DataSource": "DataSourceId",
    "AWS::QuickSight::DataSet": "DataSetId",
    "AWS::QuickSight::VPCConnection": "VPCConnectionId",
}
"""Physical names that are given; CloudFormation makes all others from the stack's."""
GIVEN_NAMES = (
    "FunctionName", "BucketName", "QueueName", "TopicName", "RoleName", "StateMachineName", "DBInstanceIdentifier",
    "DBClusterIdentifier", "LogGroupName", "AlarmName", "GroupName", "SecretName",
)  # fmt: skip


def names(synthesis: Synthesis) -> set[str]:
    found = {
        f"{kind} {json.dumps(properties[UNIQUE[kind]])}" for kind, properties in resources(synthesis) if kind in UNIQUE
    }
    for kind, properties in resources(synthesis):
        if kind == "AWS::Glue::Database":
            found.add(f"{kind} {properties['DatabaseInput']['Name']}")
        if kind == "AWS::Budgets::Budget":
            found.add(f"{kind} {json.dumps(properties['Budget']['BudgetName'])}")
    return found | {file.name for file in synthesis.files}


def test_nothing_is_named_alike(stages: tuple[Synthesis, Synthesis]) -> None:
    dev, prod = names(stages[0]), names(stages[1])
    assert len(dev) == len(prod) > 14
    assert dev & prod == set()


def test_what_is_not_listed_as_unique_has_no_name_of_ours(stages: tuple[Synthesis, Synthesis]) -> None:
    named_by_us = {
        (kind, name)
        for kind, properties in resources(stages[0])
        for name in GIVEN_NAMES
        if isinstance(properties.get(name), str)
        and kind.split("::")[-1] not in {"Policy", "Permission", "CustomResource"}
    }
    assert named_by_us == set()


def test_metrics_alarms_and_tags_are_apart(stages: tuple[Synthesis, Synthesis]) -> None:
    for synthesis, stage in zip(stages, ("dev", "prod"), strict=True):
        services = {
            properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]
            for kind, properties in resources(synthesis)
            if kind == "AWS::Lambda::Function"
        }
        assert all(service.startswith(f"c360-{stage}-") for service in services)
        watched = {
            dimension["Value"]
            for kind, properties in resources(synthesis)
            if kind == "AWS::CloudWatch::Alarm"
            for dimension in properties.get("Dimensions", [])
            if dimension["Name"] == "service"
        }
        assert watched
        assert watched <= services
        for kind, properties in resources(synthesis):
            if kind == "AWS::S3::Bucket":
                tags = {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
                assert (tags["stage"], tags["deployment"]) == (stage, f"C360-{stage}")


def test_a_stage_is_a_part_of_the_prefix() -> None:
    def prefix(**context: str) -> str:
        return DeploymentConfig.from_context({"target": "aws", **context}).prefix

    assert prefix() == "C360"
    assert prefix(stage="dev") == "C360-dev"
    assert prefix(stage="dev", prefix="Shop") == "Shop-dev"
    with pytest.raises(ConfigError, match="stage=Dev: "):
        prefix(stage="Dev")


def test_data_of_a_stage_are_kept_or_not_as_it_says(stages: tuple[Synthesis, Synthesis], tmp_path: Path) -> None:
    passing = synthesize(tmp_path / "out", target="aws", stage="try", keep_data="disabled")
    for synthesis, kept in ((stages[0], True), (passing, False)):
        [protected] = [
            properties["DeletionProtection"]
            for kind, properties in resources(synthesis)
            if kind == "AWS::RDS::DBInstance"
        ]
        assert protected is kept
