"""Into a network, and to a PostgreSQL server, that exist already: nothing of theirs is changed but one rule."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.synthesis import Synthesis, flat, synthesize

VPC, SUBNETS = "vpc-0123456789abcdef0", ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
NETWORK = {"vpc": VPC, "vpc_subnets": ",".join(SUBNETS)}
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/postgres-AbCdEf"


def everything(synthesis: Synthesis) -> dict[str, dict[str, Any]]:
    return {
        name: resource
        for file in synthesis.files
        for name, resource in json.loads(file.read_text())["Resources"].items()
    }


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """All that stands in a network, in one that exists."""
    options = {"stream": "provisioned", "database_access": "tunnel"}
    return synthesize(tmp_path_factory.mktemp("network") / "cdk.out", target="aws", **NETWORK, **options)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """A server that exists, known by its secret alone."""
    folder = tmp_path_factory.mktemp("server") / "cdk.out"
    group = {"database_security_group": "sg-0123456789abcdef0"}
    return synthesize(folder, target="aws", database_secret=SECRET, **NETWORK, **group)


def test_a_network_that_exists_gets_groups_and_nothing_else(network: Synthesis) -> None:
    made = {resource["Type"] for resource in everything(network).values() if resource["Type"].startswith("AWS::EC2::")}
    groups = {"AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"}
    assert made == {*groups, "AWS::EC2::Instance", "AWS::EC2::LaunchTemplate"}


def test_functions_database_brokers_and_host_stand_in_the_given_subnets(network: Synthesis) -> None:
    resources = everything(network)
    named: list[tuple[str, list[str]]] = []
    for resource in resources.values():
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Lambda::Function" if "VpcConfig" in properties:
                named.append(("function", properties["VpcConfig"]["SubnetIds"]))
            case "AWS::RDS::DBSubnetGroup":
                named.append(("database", properties["SubnetIds"]))
            case "AWS::MSK::Cluster":
                named.append(("brokers", properties["BrokerNodeGroupInfo"]["ClientSubnets"]))
            case "AWS::EC2::Instance":
                assert "AvailabilityZone" not in properties, "we do not know it"
                assert properties["SubnetId"] == SUBNETS[0]
            case "AWS::EC2::SecurityGroup":
                assert properties["VpcId"] == VPC
    assert {kind for kind, _ in named} == {"function", "database", "brokers"}
    assert all(subnets == SUBNETS for _, subnets in named)


def test_functions_reach_aws_by_the_networks_own_ways(network: Synthesis) -> None:
    """No endpoint of ours: whoever needs AWS's services may leave by 443."""
    out = {
        name: [rule for rule in resource["Properties"].get("SecurityGroupEgress", []) if rule.get("ToPort") == 443]
        for name, resource in everything(network).items()
        if resource["Type"] == "AWS::EC2::SecurityGroup"
    }
    leaving = {name for name, rules in out.items() if rules}
    assert {part for part in ("S3Readers", "KafkaCluster", "TunnelGroup") if any(part in name for name in leaving)} == {
        "S3Readers",
        "KafkaCluster",
        "TunnelGroup",
    }
    assert not any(name.startswith("DatabaseNetworkDatabase") for name in leaving), "no password: no way to secrets"


def test_no_database_is_made_beside_one_that_exists(server: Synthesis) -> None:
    kinds = {resource["Type"] for resource in everything(server).values()}
    assert not any(kind.startswith("AWS::RDS::") for kind in kinds)
    alarms = [name for name, r in everything(server).items() if r["Type"] == "AWS::CloudWatch::Alarm"]
    assert not any(name.startswith("DatabaseStorage") for name in alarms)


def test_the_server_is_found_by_its_secret_and_verified(server: Synthesis) -> None:
    variables = server.properties("AWS::Lambda::Function", "Load")["Environment"]["Variables"]
    assert variables["DATABASE_HOST"] == f"{{{{resolve:secretsmanager:{SECRET}:SecretString:host::}}}}"
    assert (variables["DATABASE_AUTH"], variables["DATABASE_SSL_MODE"]) == ("secret", "verify-full")
    assert variables["DATABASE_SSL_ROOT_CERT"].endswith(".pem")
    migrate = server.properties("AWS::Lambda::Function", "Migrate")["Environment"]["Variables"]
    assert migrate["DATABASE_SECRET_ARN"] == SECRET
    assert migrate["DATABASE_USER"] == f"{{{{resolve:secretsmanager:{SECRET}:SecretString:username::}}}}"


def test_only_the_migrator_reads_the_administrators_secret(server: Synthesis) -> None:
    readers = {
        name
        for name, statement in server.statements()
        if any(flat(each).startswith(SECRET) for each in as_list(statement["Resource"]))
    }
    assert {name[:11] for name in readers} == {"MigrateRole"}


def test_the_servers_group_lets_the_functions_in(server: Synthesis, tmp_path: Path) -> None:
    [rule] = [r["Properties"] for _, r in server.resources("AWS::EC2::SecurityGroupIngress")]
    assert (rule["GroupId"], rule["FromPort"]) == ("sg-0123456789abcdef0", 5432)
    unknown = synthesize(tmp_path / "out", target="aws", database_secret="shop/db", database_host="db.shop", **NETWORK)
    assert not list(unknown.resources("AWS::EC2::SecurityGroupIngress"))
    assert "DatabaseClientsSecurityGroupId" in unknown.outputs("Data")
    variables = unknown.properties("AWS::Lambda::Function", "Load")["Environment"]["Variables"]
    assert variables["DATABASE_HOST"] == "db.shop"


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
