"""The topic of an MSK cluster, provisioned or serverless: a custom resource that asks the brokers themselves.

A native resource (AWS::MSK::Topic) is for provisioned clusters only, and deletes the topic's messages with itself.
"""

from typing import cast

from aws_cdk import CfnResource, CustomResource, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct, IDependable

from infra.config import DeploymentConfig
from infra.constructs.bundle import TOPIC_REQUIREMENTS
from infra.constructs.function import PlatformFunction
from infra.constructs.network import Network

TOPIC_RETENTION = Duration.days(7)
TIMEOUT = Duration.minutes(5)


class KafkaTopic(Construct):
    """Makes the topic, adds partitions and sets retention when they are declared otherwise; never deletes it.

    `network` reaches the brokers, and S3, where CloudFormation waits for the answer. `bootstrap_servers` are those of
    the cluster, for whoever signs in by IAM.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: DeploymentConfig,
        cluster_arn: str,
        topic_arn: str,
        network: Network,
        after: IDependable,
    ) -> None:
        super().__init__(scope, construct_id)
        find = PlatformFunction(
            self,
            "FindBrokers",
            deployment=deployment,
            handler="functions.stream.brokers_handler.handle",
            description="Gives deployments the brokers' addresses",
            timeout=Duration.minutes(1),
            memory_mb=256,
        )
        _allow(find, ["kafka:GetBootstrapBrokers"], cluster_arn)
        brokers = _custom_resource(self, "Brokers", find, Duration.minutes(2), {"ClusterArn": cluster_arn})
        self.bootstrap_servers = brokers.get_att_string("BootstrapServers")

        make = PlatformFunction(
            self,
            "MakeTopic",
            deployment=deployment,
            network=network,
            handler="functions.stream.topic_handler.handle",
            description="Makes the topic in deployments",
            timeout=TIMEOUT,
            memory_mb=512,
            requirements=TOPIC_REQUIREMENTS,
        )
        _allow(make, ["kafka-cluster:Connect"], cluster_arn)
        _allow(
            make,
            [
                "kafka-cluster:AlterTopic",
                "kafka-cluster:AlterTopicDynamicConfiguration",
                "kafka-cluster:CreateTopic",
                "kafka-cluster:DescribeTopic",
                "kafka-cluster:DescribeTopicDynamicConfiguration",
            ],
            topic_arn,
        )
        topic = _custom_resource(
            self,
            "Made",
            make,
            Duration.minutes(6),
            {
                "BootstrapServers": self.bootstrap_servers,
                "TopicName": deployment.stream_topic,
                "Partitions": str(deployment.stream_partitions),
                "RetentionMs": str(round(TOPIC_RETENTION.to_milliseconds())),
            },
        )
        topic.node.add_dependency(after)


def _allow(function: PlatformFunction, actions: list[str], resource: str) -> None:
    function.add_to_role_policy(iam.PolicyStatement(actions=actions, resources=[resource]))


def _custom_resource(
    scope: Construct, construct_id: str, function: PlatformFunction, timeout: Duration, properties: dict[str, str]
) -> CustomResource:
    resource = CustomResource(scope, construct_id, service_token=function.function_arn, properties=properties)
    # By override, since CustomResource's own service_timeout renders a string where an integer is due.
    cast(CfnResource, resource.node.default_child).add_property_override("ServiceTimeout", timeout.to_seconds())
    resource.node.add_dependency(function)
    return resource
