"""People's way to the database: none unless asked for; then narrow, and each with rights of their own."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.outputs import FORWARDING
from tests.support.synthesis import Synthesis, actions, flat, resources, synthesize


@pytest.fixture(scope="module")
def tunnel(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    return synthesize(tmp_path_factory.mktemp("tunnel") / "cdk.out", target="aws", database_access="tunnel")


@pytest.fixture(scope="module")
def data_api(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    options = {"database": "aurora", "database_access": "data-api"}
    return synthesize(tmp_path_factory.mktemp("data-api") / "cdk.out", target="aws", **options)


def access(synthesis: Synthesis) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = synthesis.template("Access")["Resources"]
    return found


def policies(synthesis: Synthesis) -> dict[str, list[dict[str, Any]]]:
    return {
        name[:-8]: resource["Properties"]["PolicyDocument"]["Statement"]
        for name, resource in access(synthesis).items()
        if resource["Type"] == "AWS::IAM::ManagedPolicy"
    }


def test_by_default_people_have_no_way_in(on_aws: Synthesis) -> None:
    assert not (on_aws.folder / "C360-Access.template.json").exists()
    assert not any(r["Type"] == "AWS::EC2::Instance" for _, r in on_aws.resources())


def test_the_host_forwards_and_does_nothing_else(tunnel: Synthesis) -> None:
    found = access(tunnel)
    [host] = [r["Properties"] for r in found.values() if r["Type"] == "AWS::EC2::Instance"]
    assert host["InstanceType"] == "t4g.nano"
    assert host["BlockDeviceMappings"][0]["Ebs"]["Encrypted"] is True
    [template] = [r["Properties"] for r in found.values() if r["Type"] == "AWS::EC2::LaunchTemplate"]
    assert template["LaunchTemplateData"]["MetadataOptions"]["HttpTokens"] == "required"
    assert "KeyName" not in host
    roles = [r["Properties"] for r in found.values() if r["Type"] == "AWS::IAM::Role"]
    [managed] = roles[0]["ManagedPolicyArns"]
    assert flat(managed).endswith(":iam::aws:policy/AmazonSSMManagedInstanceCore")
    assert len(roles) == 1
    assert not [name for name, r in found.items() if r["Type"] == "AWS::IAM::Policy"], "no right but SSM's"


def test_nothing_connects_to_the_host(tunnel: Synthesis) -> None:
    group = next(name for name in access(tunnel) if name.startswith("TunnelGroup"))
    assert "SecurityGroupIngress" not in access(tunnel)[group]["Properties"]
    into = [r["Properties"] for r in access(tunnel).values() if r["Type"] == "AWS::EC2::SecurityGroupIngress"]
    assert all(group not in flat(rule["GroupId"]) for rule in into)
    ports = {
        (rule["FromPort"], rule["ToPort"]) for rule in into if group in flat(rule.get("SourceSecurityGroupId", ""))
    }
    assert ports == {(5432, 5432), (443, 443)}


def test_rules_on_the_kept_database_go_with_the_host(tunnel: Synthesis) -> None:
    rules = [r for r in access(tunnel).values() if r["Type"].startswith("AWS::EC2::SecurityGroup")]
    assert rules
    assert all(rule.get("DeletionPolicy", "Delete") == "Delete" for rule in rules)
    assert "Tunnel" not in json.dumps(tunnel.template("Data")["Resources"])


def test_a_person_forwards_ports_only_and_signs_in_as_one_reader(tunnel: Synthesis) -> None:
    found = policies(tunnel)
    assert found.keys() == {"ReadMasked", "ReadPersons"}
    for name, user in (("ReadMasked", "c360_bi"), ("ReadPersons", "c360_bi_persons")):
        by_action = {action: resources(each) for each in found[name] for action in actions(each)}
        assert by_action.keys() == {"ssm:StartSession", "ssm:ResumeSession", "ssm:TerminateSession", "rds-db:connect"}
        host, document = sorted(by_action["ssm:StartSession"])
        assert "instance/TunnelHost" in host
        assert document.endswith(f"::document/{FORWARDING}"), "no shell"
        assert by_action["ssm:TerminateSession"][0].endswith(":session/${aws:userid}-*")
        [signs_in] = by_action["rds-db:connect"]
        assert signs_in.endswith(f"/{user}")


def test_where_bi_has_a_password_a_person_reads_it_instead(tmp_path: Path) -> None:
    principal = "arn:aws:quicksight:us-east-1:123456789012:user/default/you"
    both = synthesize(tmp_path / "out", target="aws", database_access="tunnel", quicksight_principal=principal)
    masked = {action for each in policies(both)["ReadMasked"] for action in actions(each)}
    assert "secretsmanager:GetSecretValue" in masked
    assert "rds-db:connect" not in masked


def test_the_data_api_reads_without_personal_values(data_api: Synthesis) -> None:
    cluster = data_api.properties("AWS::RDS::DBCluster")
    assert cluster["EnableHttpEndpoint"] is True
    [(name, statements)] = policies(data_api).items()
    assert name == "ReadMasked"
    allowed = {action.partition(":")[0] for each in statements for action in actions(each)}
    assert allowed == {"rds-data", "secretsmanager"}
    assert all("*" not in resource for each in statements for resource in resources(each))
    secret = data_api.properties("AWS::SecretsManager::Secret")
    assert json.loads(secret["GenerateSecretString"]["SecretStringTemplate"]) == {"username": "c360_bi"}
    assert {"DataApiClusterArn", "DataApiSecretArn"} <= data_api.outputs("Data").keys()
    assert data_api.properties("AWS::CloudFormation::CustomResource", "Schema")["BiRole"] == "password"
