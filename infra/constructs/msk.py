"""Kafka on AWS: MSK, provisioned or serverless, in the database's network; IAM sign-in and TLS only."""

from typing import Any

from aws_cdk import CfnOutput, Fn, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_msk as msk
from aws_cdk import aws_s3 as s3
from constructs import Construct, DependencyGroup

from infra.config import DeploymentConfig
from infra.constructs.data_key import grant_key
from infra.constructs.event_source import EventSource, consumer_group, mapping_settings
from infra.constructs.kafka_topic import KafkaTopic
from infra.constructs.network import DatabaseNetwork, Network, Services
from infra.constructs.retention import LOG_RETENTION
from infra.options import StreamKind

IAM_PORT = 9098
KAFKA_VERSION = "3.8.x"
BROKERS = 2
BROKER_TYPE = "kafka.t3.small"
BROKER_DISK_GB = 10


class MskEventSource(EventSource):
    """A cluster, its topic, and the mapping. `clients` is the security group of producers.

    The event source's network interfaces wear the cluster's security group (AWS Lambda: "Configuring your Amazon MSK
    cluster and Amazon VPC network"), so that group reaches itself, and, for the poller in on-demand mode, the
    interface endpoints of Lambda and STS; provisioned pollers invoke outside the VPC.
    """

    def __init__(
        self, scope: Construct, construct_id: str, deployment: DeploymentConfig, network: DatabaseNetwork
    ) -> None:
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self._network = network
        self._name = f"{deployment.prefix.lower()}-clickstream"
        self._group = self._security_group("Cluster", "MSK and the pollers of its event source")
        self.clients = self._security_group("Clients", "Producers and consumers of the clickstream")
        for source in (self._group, self.clients):
            source.connections.allow_to(self._group, ec2.Port.tcp(IAM_PORT), "Kafka with IAM and TLS")
        if not deployment.stream_pollers:
            self._endpoints()
        cluster = self._provisioned() if deployment.stream is StreamKind.PROVISIONED else self._serverless()
        self.cluster_arn = cluster.ref
        self._topic = KafkaTopic(
            self,
            "Topic",
            deployment=deployment,
            cluster_arn=self.cluster_arn,
            topic_arn=self.resource_arn("topic", deployment.stream_topic),
            network=Network(network.vpc, network.subnets, [self.clients, network.readers]),
            after=DependencyGroup(self._group, self.clients),
        )
        CfnOutput(Stack.of(self), "KafkaClusterArn", value=self.cluster_arn)
        CfnOutput(Stack.of(self), "KafkaBootstrapServers", value=self._topic.bootstrap_servers)
        CfnOutput(Stack.of(self), "KafkaClientsSecurityGroupId", value=self.clients.security_group_id)

    def resource_arn(self, kind: str, name: str) -> str:
        """The ARN of a topic or a group of this cluster, for IAM policies."""
        identity = Fn.select(2, Fn.split("/", self.cluster_arn))
        stack = Stack.of(self)
        where = f"arn:{stack.partition}:kafka:{stack.region}:{stack.account}"
        return f"{where}:{kind}/{self._name}/{identity}/{name}"

    def invoke(self, function: lambda_.Function, failures: s3.Bucket) -> None:
        for statement in self._statements():
            function.add_to_role_policy(statement)
        deployment = self._deployment
        settings = mapping_settings(deployment)
        pollers: dict[str, Any] = {}
        if deployment.stream_pollers:
            function.add_to_role_policy(
                iam.PolicyStatement(actions=["s3:ListBucket"], resources=[failures.bucket_arn]),
            )
            function.add_to_role_policy(
                iam.PolicyStatement(actions=["s3:PutObject"], resources=[failures.arn_for_objects("*")]),
            )
            grant_key(failures, function, "kms:GenerateDataKey")
            pollers["destination_config"] = lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=failures.bucket_arn)
            )
            pollers["provisioned_poller_config"] = lambda_.CfnEventSourceMapping.ProvisionedPollerConfigProperty(
                minimum_pollers=deployment.stream_pollers, maximum_pollers=deployment.stream_pollers
            )
        mapping = lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            function_name=function.function_name,
            event_source_arn=self.cluster_arn,
            topics=[deployment.stream_topic],
            amazon_managed_kafka_event_source_config=(
                lambda_.CfnEventSourceMapping.AmazonManagedKafkaEventSourceConfigProperty(
                    consumer_group_id=consumer_group(deployment)
                )
            ),
            starting_position=settings["StartingPosition"],
            batch_size=settings["BatchSize"],
            maximum_batching_window_in_seconds=settings.get("MaximumBatchingWindowInSeconds"),
            maximum_retry_attempts=settings.get("MaximumRetryAttempts"),
            bisect_batch_on_function_error=settings.get("BisectBatchOnFunctionError"),
            function_response_types=settings.get("FunctionResponseTypes"),
            **pollers,
        )
        mapping.node.add_dependency(self._topic)
        if function.role is not None:
            # Lambda tries the role when the mapping is made
            mapping.node.add_dependency(function.role)

    def _statements(self) -> list[iam.PolicyStatement]:
        """What the event source does with the function's role (AWS Lambda: "Permissions for MSK event sources")."""
        topic = self.resource_arn("topic", self._deployment.stream_topic)
        group = self.resource_arn("group", consumer_group(self._deployment))
        return [
            iam.PolicyStatement(
                actions=["kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"],
                resources=[self.cluster_arn],
            ),
            iam.PolicyStatement(
                actions=["kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"],
                resources=[self.cluster_arn],
            ),
            iam.PolicyStatement(actions=["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"], resources=[topic]),
            iam.PolicyStatement(actions=["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"], resources=[group]),
            iam.PolicyStatement(
                actions=["ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"],  # EC2 takes no narrower resource
                resources=["*"],
            ),
        ]

    def _provisioned(self) -> msk.CfnCluster:
        log = logs.LogGroup(self, "Log", retention=LOG_RETENTION, removal_policy=RemovalPolicy.DESTROY)
        kind = msk.CfnCluster
        return kind(
            self,
            "Brokers",
            cluster_name=self._name,
            kafka_version=KAFKA_VERSION,
            number_of_broker_nodes=BROKERS,
            broker_node_group_info=kind.BrokerNodeGroupInfoProperty(
                client_subnets=self._subnets(),
                instance_type=BROKER_TYPE,
                security_groups=[self._group.security_group_id],
                storage_info=kind.StorageInfoProperty(
                    ebs_storage_info=kind.EBSStorageInfoProperty(volume_size=BROKER_DISK_GB)
                ),
            ),
            client_authentication=kind.ClientAuthenticationProperty(
                sasl=kind.SaslProperty(iam=kind.IamProperty(enabled=True)),
                unauthenticated=kind.UnauthenticatedProperty(enabled=False),
            ),
            encryption_info=kind.EncryptionInfoProperty(
                encryption_in_transit=kind.EncryptionInTransitProperty(client_broker="TLS", in_cluster=True)
            ),
            logging_info=kind.LoggingInfoProperty(
                broker_logs=kind.BrokerLogsProperty(
                    cloud_watch_logs=kind.CloudWatchLogsProperty(enabled=True, log_group=log.log_group_name)
                )
            ),
        )

    def _serverless(self) -> msk.CfnServerlessCluster:
        kind = msk.CfnServerlessCluster
        return kind(
            self,
            "Serverless",
            cluster_name=self._name,
            client_authentication=kind.ClientAuthenticationProperty(
                sasl=kind.SaslProperty(iam=kind.IamProperty(enabled=True))
            ),
            vpc_configs=[
                kind.VpcConfigProperty(subnet_ids=self._subnets(), security_groups=[self._group.security_group_id])
            ],
        )

    def _endpoints(self) -> None:
        """What the pollers call: Lambda, in the role that STS gives them."""
        services: Services = {
            "Lambda": ec2.InterfaceVpcEndpointAwsService.LAMBDA_,
            "STS": ec2.InterfaceVpcEndpointAwsService.STS,
        }
        self._network.reach(self, self._group, "Endpoints", services)

    def _subnets(self) -> list[str]:
        return self._network.subnet_ids

    def _security_group(self, name: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, name, vpc=self._network.vpc, description=description, allow_all_outbound=False)
