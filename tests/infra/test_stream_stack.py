"""The clickstream's stack: off on AWS unless asked for, MSK by IAM and TLS only, one mapping on every target."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.config import DeploymentConfig
from infra.cost import estimate, total
from infra.errors import ConfigError
from tests.support.open_runtime import CREATED_BY_THE_OPEN_RUNTIME, KNOWN_FUNCTIONS
from tests.support.synthesis import Resource, Synthesis, actions, flat, resources, synthesize


class Stream:
    """The template of the stream's stack."""

    def __init__(self, synthesis: Synthesis) -> None:
        self.synthesis = synthesis
        self.template = synthesis.template("Stream")

    def all(self, kind: str) -> list[dict[str, Any]]:
        found: list[Resource] = [each for each in self.template["Resources"].values() if each["Type"] == kind]
        return [each["Properties"] for each in found]

    def one(self, kind: str) -> dict[str, Any]:
        [found] = self.all(kind)
        return found

    def statements(self, role: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name, resource in self.template["Resources"].items():
            if not name.startswith(role):
                continue
            for policy in (
                [resource["Properties"]]
                if resource["Type"] == "AWS::IAM::Policy"
                else resource["Properties"].get("Policies", [])
            ):
                found += policy["PolicyDocument"]["Statement"]
        return found


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """MSK with brokers of ours, polled on demand."""
    return Stream(synthesize(tmp_path_factory.mktemp("msk") / "cdk.out", target="aws", stream="provisioned"))


@pytest.fixture(scope="module")
def serverless(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    """MSK Serverless with provisioned pollers."""
    folder = tmp_path_factory.mktemp("serverless") / "cdk.out"
    return Stream(synthesize(folder, target="aws", stream="serverless", stream_pollers="2", stream_window_seconds="1"))


@pytest.fixture(scope="module")
def local(on_localstack: Synthesis) -> Stream:
    """As `c360 up` deploys it."""
    return Stream(on_localstack)


def test_on_aws_there_is_no_stream_unless_asked_for(on_aws: Synthesis) -> None:
    assert [path.name.split(".")[0] for path in on_aws.files] == [
        "C360-Api",
        "C360-Data",
        "C360-Operations",
        "C360-Pipeline",
    ]


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"target": "aws", "stream": "external"}, "use disabled or provisioned or serverless"),
        ({"target": "localstack", "database_host": "h", "stream": "provisioned"}, "use disabled or external"),
        ({"target": "aws", "stream": "kinesis"}, "stream=kinesis"),
        ({"target": "aws", "stream": "provisioned", "stream_batch_size": "0"}, "stream_batch_size"),
        ({"target": "aws", "stream_bootstrap_servers": "nowhere"}, "stream_bootstrap_servers"),
    ],
)
def test_a_stream_that_does_not_fit_is_refused(context: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DeploymentConfig.from_context(context)


def test_brokers_take_iam_and_tls_only_and_log(provisioned: Stream) -> None:
    cluster = provisioned.one("AWS::MSK::Cluster")
    assert cluster["ClientAuthentication"] == {
        "Sasl": {"Iam": {"Enabled": True}},
        "Unauthenticated": {"Enabled": False},
    }
    assert cluster["EncryptionInfo"]["EncryptionInTransit"] == {"ClientBroker": "TLS", "InCluster": True}
    assert cluster["LoggingInfo"]["BrokerLogs"]["CloudWatchLogs"]["Enabled"] is True
    assert (cluster["NumberOfBrokerNodes"], cluster["BrokerNodeGroupInfo"]["InstanceType"]) == (2, "kafka.t3.small")
    assert len(cluster["BrokerNodeGroupInfo"]["ClientSubnets"]) == 2


@pytest.fixture(params=["provisioned", "serverless"])
def cluster(request: pytest.FixtureRequest) -> Stream:
    """Each kind of cluster in turn, for what holds of both."""
    stream: Stream = request.getfixturevalue(request.param)
    return stream


def test_the_topic_is_made_by_the_brokers_that_are_found_and_before_the_mapping(cluster: Stream) -> None:
    found = {
        n: r for n, r in cluster.template["Resources"].items() if r["Type"] == "AWS::CloudFormation::CustomResource"
    }
    [(brokers_id, brokers)] = [(n, r) for n, r in found.items() if "ClusterArn" in r["Properties"]]
    [(topic_id, topic)] = [(n, r) for n, r in found.items() if "TopicName" in r["Properties"]]
    [cluster_id] = [
        n
        for n, r in cluster.template["Resources"].items()
        if r["Type"] in ("AWS::MSK::Cluster", "AWS::MSK::ServerlessCluster")
    ]
    assert brokers["Properties"]["ClusterArn"] == {"Ref": cluster_id}
    properties = dict(topic["Properties"])
    assert properties.pop("BootstrapServers") == {"Fn::GetAtt": [brokers_id, "BootstrapServers"]}
    assert properties.pop("ServiceTimeout") == 360
    assert flat(properties.pop("ServiceToken")).startswith("KafkaTopicMakeTopic")
    assert properties == {"TopicName": "clickstream_events", "Partitions": "4", "RetentionMs": "604800000"}
    [mapping] = [r for r in cluster.template["Resources"].values() if r["Type"] == "AWS::Lambda::EventSourceMapping"]
    assert topic_id in mapping["DependsOn"]
    assert cluster.template["Outputs"]["KafkaBootstrapServers"]["Value"] == {
        "Fn::GetAtt": [brokers_id, "BootstrapServers"]
    }
    rules = [
        n
        for n, r in cluster.template["Resources"].items()
        if r["Type"] in ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress") and "Client" in n
    ]
    assert rules
    assert set(rules) <= set(topic["DependsOn"])


def test_the_topic_is_made_as_a_client_and_by_the_topics_own_rights_only(cluster: Stream) -> None:
    [make] = [f for f in cluster.all("AWS::Lambda::Function") if "topic_handler" in f["Handler"]]
    groups = [flat(each) for each in make["VpcConfig"]["SecurityGroupIds"]]
    assert len(groups) == 2
    assert any("KafkaClients" in each for each in groups)
    assert any("S3Readers" in each for each in groups)
    assert not any(name.startswith("DATABASE") for name in make["Environment"]["Variables"])
    allowed = {action: resources(s) for s in cluster.statements("KafkaTopicMakeTopicRole") for action in actions(s)}
    kafka = {action.removeprefix("kafka-cluster:"): found for action, found in allowed.items() if "kafka" in action}
    assert set(kafka) == {
        "Connect",
        "CreateTopic",
        "DescribeTopic",
        "AlterTopic",
        "DescribeTopicDynamicConfiguration",
        "AlterTopicDynamicConfiguration",
    }
    [clusters] = kafka.pop("Connect")
    [cluster_id] = [n for n, r in cluster.template["Resources"].items() if r["Type"].startswith("AWS::MSK::")]
    assert clusters == cluster_id
    for [topic] in kafka.values():
        assert ":topic/c360-clickstream/" in topic
        assert topic.endswith("/clickstream_events")
    assert {a.partition(":")[0] for a, found in allowed.items() if "*" in found} == {"ec2", "xray"}


def test_who_finds_the_brokers_may_ask_for_nothing_else_and_runs_where_a_way_leads_to_the_api(cluster: Stream) -> None:
    [find] = [f for f in cluster.all("AWS::Lambda::Function") if "brokers_handler" in f["Handler"]]
    assert "VpcConfig" not in find
    allowed = {action: resources(s) for s in cluster.statements("KafkaTopicFindBrokersRole") for action in actions(s)}
    traced = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    assert set(allowed) - traced == {"logs:CreateLogStream", "logs:PutLogEvents", "kafka:GetBootstrapBrokers"}
    assert "*" not in allowed["kafka:GetBootstrapBrokers"]


def test_on_demand_polling_leaves_out_what_only_provisioned_pollers_know(provisioned: Stream) -> None:
    mapping = provisioned.one("AWS::Lambda::EventSourceMapping")
    assert mapping["Topics"] == ["clickstream_events"]
    assert (mapping["BatchSize"], mapping["StartingPosition"]) == (500, "TRIM_HORIZON")
    assert mapping["MaximumBatchingWindowInSeconds"] == 0, "events are not kept waiting"
    assert mapping["AmazonManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": "c360-stream"}
    for name in (
        "DestinationConfig",  # with one, Lambda gives up after ten tries, also in an outage
        "MaximumRetryAttempts",
        "BisectBatchOnFunctionError",
        "FunctionResponseTypes",
        "ProvisionedPollerConfig",
    ):
        assert name not in mapping
    [function] = [
        f for f in provisioned.all("AWS::Lambda::Function") if f["Handler"] == "functions.stream.handler.handle"
    ]
    assert function["Environment"]["Variables"]["PARTIAL_BATCH_RESPONSE"] == "false"


def test_provisioned_pollers_limit_bisect_and_report(serverless: Stream) -> None:
    mapping = serverless.one("AWS::Lambda::EventSourceMapping")
    assert mapping["ProvisionedPollerConfig"] == {"MinimumPollers": 2, "MaximumPollers": 2}
    assert mapping["MaximumRetryAttempts"] == 10, "what Lambda makes at most, with a destination"
    assert "GivenUp" in flat(mapping["DestinationConfig"]["OnFailure"]["Destination"])
    allowed = {action: resources(s) for s in serverless.statements("StreamRole") for action in actions(s)}
    [given_up] = allowed["s3:PutObject"]
    assert "GivenUp" in given_up
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["MaximumBatchingWindowInSeconds"] == 1
    [function] = [
        f for f in serverless.all("AWS::Lambda::Function") if f["Handler"] == "functions.stream.handler.handle"
    ]
    assert function["Environment"]["Variables"]["PARTIAL_BATCH_RESPONSE"] == "true"


def test_the_poller_reaches_lambda_and_sts_where_it_calls_from_inside_the_vpc(
    provisioned: Stream, serverless: Stream
) -> None:
    services = {flat(each["ServiceName"]).rpartition(".")[2] for each in provisioned.all("AWS::EC2::VPCEndpoint")}
    assert services == {"lambda", "sts"}
    assert serverless.all("AWS::EC2::VPCEndpoint") == []


def test_nothing_is_open_to_the_world(provisioned: Stream) -> None:
    for kind in ("AWS::EC2::SecurityGroup", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"):
        for group in provisioned.all(kind):
            rules = [group, *group.get("SecurityGroupIngress", []), *group.get("SecurityGroupEgress", [])]
            for rule in rules:
                # CDK's mark of a group without egress: a rule that no packet meets
                assert rule.get("CidrIp") in (None, "255.255.255.255/32")


def test_the_stream_reads_one_topic_as_one_group_and_writes_one_bucket(provisioned: Stream) -> None:
    allowed = {action: resources(s) for s in provisioned.statements("StreamRole") for action in actions(s)}
    kafka = {action: found for action, found in allowed.items() if action.startswith("kafka")}
    assert set(kafka) == {
        "kafka:DescribeCluster",
        "kafka:DescribeClusterV2",
        "kafka:GetBootstrapBrokers",
        "kafka-cluster:Connect",
        "kafka-cluster:DescribeClusterDynamicConfiguration",
        "kafka-cluster:DescribeTopic",
        "kafka-cluster:ReadData",
        "kafka-cluster:AlterGroup",
        "kafka-cluster:DescribeGroup",
    }
    [topic] = kafka["kafka-cluster:ReadData"]
    [group] = kafka["kafka-cluster:AlterGroup"]
    assert ":topic/c360-clickstream/" in topic
    assert topic.endswith("/clickstream_events")
    assert ":group/c360-clickstream/" in group
    assert group.endswith("/c360-stream")
    assert all("*" not in found for found in kafka.values())
    assert not any(action.startswith("s3:") for action in allowed), "nothing is given up on demand"
    starred = {action for action, found in allowed.items() if "*" in found}
    assert {action.partition(":")[0] for action in starred} == {"ec2", "xray"}
    assert [flat(each).rpartition("/")[2] for each in allowed["rds-db:connect"]] == ["c360_stream"]


def test_dead_letters_are_handled_without_kafka(provisioned: Stream) -> None:
    allowed = {action for s in provisioned.statements("DeadLettersRole") for action in actions(s)}
    assert not any(action.startswith(("kafka", "s3")) for action in allowed)


def test_alarms_tell_of_lag_errors_and_dead_letters(provisioned: Stream) -> None:
    alarms = {each["MetricName"]: each for each in provisioned.all("AWS::CloudWatch::Alarm")}
    assert set(alarms) == {"OffsetLag", "Errors", "DeadLetters"}
    for alarm in alarms.values():
        assert len(alarm["AlarmActions"]) == 1
        assert "AlertTopic" in flat(alarm["AlarmActions"][0])
    assert alarms["DeadLetters"]["Namespace"] == "C360"
    assert alarms["DeadLetters"]["Dimensions"] == [{"Name": "service", "Value": "c360-stream"}]
    [function] = [
        f for f in provisioned.all("AWS::Lambda::Function") if f["Handler"] == "functions.stream.handler.handle"
    ]
    assert function["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] == "c360-stream"
    policies = [
        statement
        for _, policy in provisioned.synthesis.resources("AWS::SNS::TopicPolicy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    publishers = [s["Principal"]["Service"] for s in policies if s["Effect"] == "Allow"]
    assert any("cloudwatch.amazonaws.com" in found for found in publishers)


def test_cfn_lint_finds_nothing(provisioned: Stream, serverless: Stream) -> None:
    files = [*provisioned.synthesis.files, *serverless.synthesis.files]
    command = [Path(sys.executable).with_name("cfn-lint"), "--regions", "us-east-1", "--ignore-checks", "W3005"]
    done = subprocess.run([*map(str, [*command, "--", *files])], capture_output=True, text=True, check=False)
    assert len(files) == 10
    assert (done.returncode, done.stdout) == (0, "")


def test_idle_costs_are_known() -> None:
    def cost(**context: str) -> float:
        return total(estimate(DeploymentConfig.from_context({"target": "aws", **context})))

    batch = cost()
    assert cost(stream="provisioned") - batch == pytest.approx(68.60 + 14.60, rel=0.01)
    assert cost(stream="provisioned", stream_pollers="1") - batch == pytest.approx(68.60 + 135.05, rel=0.01)
    assert cost(stream="serverless") - batch == pytest.approx(547.50 + 4 * 1.10 + 14.60, rel=0.01)


def test_locally_the_mapping_is_an_output_in_lambdas_words(local: Stream) -> None:
    mapping = json.loads(flat(local.template["Outputs"]["EventSourceMapping"]["Value"]))
    assert mapping["Topic"] == "clickstream_events"
    assert (mapping["BatchSize"], mapping["StartingPosition"]) == (500, "TRIM_HORIZON")
    assert mapping["MaximumBatchingWindowInSeconds"] == 0, "events are not kept waiting"
    assert mapping["BootstrapServers"] == "127.0.0.1:9092"
    assert mapping["FunctionName"].startswith("Stream")
    assert "DestinationConfig" not in mapping, "as on AWS"


def test_locally_there_is_only_what_localstack_creates(local: Stream) -> None:
    types = {resource["Type"] for resource in local.template["Resources"].values()}
    assert types <= CREATED_BY_THE_OPEN_RUNTIME
    used = {
        key
        for part in ("Resources", "Outputs")
        for key in json.dumps(local.template[part]).split('"')
        if key.startswith("Fn::")
    }
    assert used <= KNOWN_FUNCTIONS


def test_the_stream_may_be_left_out_locally(tmp_path: Path) -> None:
    synthesis = synthesize(tmp_path / "out", target="localstack", database_host="h", stream="disabled")
    assert not [path for path in synthesis.files if "Stream" in path.name]
