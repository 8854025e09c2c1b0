"""With a licence, LocalStack serves PostgreSQL and Kafka itself: RDS, MSK and Lambda's mapping, by passwords."""

import json
from typing import Any

import pytest

from tests.support.synthesis import Synthesis, actions, flat, synthesize


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    return synthesize(tmp_path_factory.mktemp("managed") / "out", target="localstack", localstack_managed="true")


def stream(managed: Synthesis, kind: str) -> dict[str, Any]:
    [found] = [r["Properties"] for r in managed.template("Stream")["Resources"].values() if r["Type"] == kind]
    properties: dict[str, Any] = found
    return properties


def test_the_database_is_an_instance_of_rds_whose_administrator_has_a_secret(managed: Synthesis) -> None:
    instance = managed.properties("AWS::RDS::DBInstance")
    assert (instance["Engine"], instance["DBName"], instance["MasterUsername"]) == ("postgres", "c360", "c360_admin")
    assert "AdminSecret" in flat(instance["MasterUserPassword"])
    assert "DatabaseAdminSecretArn" in managed.outputs("Data"), "by which `c360 sql` finds it"


def test_functions_reach_it_by_its_endpoint_and_their_roles_secret(managed: Synthesis) -> None:
    for name, role in (("Load", "c360_loader"), ("Api", "c360_api"), ("Migrate", "c360_admin")):
        variables = managed.properties("AWS::Lambda::Function", name)["Environment"]["Variables"]
        assert (variables["DATABASE_USER"], variables["DATABASE_AUTH"]) == (role, "secret")
        for variable in ("DATABASE_HOST", "DATABASE_PORT"):
            assert "DatabaseInstance" in flat(variables[variable]), (name, variable)


def test_the_clickstream_is_a_cluster_of_msk_and_lambdas_own_mapping(managed: Synthesis) -> None:
    assert len(stream(managed, "AWS::MSK::Cluster")["BrokerNodeGroupInfo"]["ClientSubnets"]) == 2
    mapping = stream(managed, "AWS::Lambda::EventSourceMapping")
    assert (mapping["Topics"], mapping["StartingPosition"]) == (["clickstream_events"], "TRIM_HORIZON")
    assert "DestinationConfig" not in mapping
    outputs = managed.template("Stream")["Outputs"]
    assert "EventSourceMapping" not in outputs, "nothing for our poller"
    assert {"KafkaBootstrapServers", "KafkaClusterArn"} <= outputs.keys()
    found = stream(managed, "AWS::CloudFormation::CustomResource")
    assert found["SignIn"] == "none"
    statements = json.dumps(managed.template("Stream")["Resources"])
    assert "kafka:GetBootstrapBrokers" in statements


def test_nothing_of_it_is_on_aws(on_aws: Synthesis) -> None:
    assert "DatabaseAdminSecretArn" not in on_aws.outputs("Data")
    assert not [s for _, s in on_aws.statements() if "kafka:GetBootstrapBrokers" in actions(s)]
