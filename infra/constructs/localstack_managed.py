"""RDS and MSK as a licensed LocalStack serves them (`-c localstack_managed=true`): passwords and no TLS.

LocalStack takes no IAM tokens for either, and its network keeps nobody out; so nothing here is meant for AWS.
"""

import json

from aws_cdk import CfnOutput, CustomResource, Duration, RemovalPolicy, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_msk as msk
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config import DeploymentConfig
from infra.constructs.database import PasswordDatabase
from infra.constructs.event_source import EventSource, consumer_group, mapping_settings
from infra.constructs.function import PlatformFunction
from infra.constructs.rds import ADMIN_USER, POSTGRES_MAJOR

KAFKA_VERSION = "3.8.x"


class LocalStackDatabase(PasswordDatabase):
    """A DB instance, with an administrator whose password is a secret of the deployment's."""

    def __init__(self, scope: Construct, construct_id: str, deployment: DeploymentConfig) -> None:
        super().__init__(scope, construct_id)
        admin = secretsmanager.Secret(
            self,
            "AdminSecret",
            description="PostgreSQL's administrator",
            removal_policy=RemovalPolicy.DESTROY,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"username": ADMIN_USER}),
                generate_string_key="password",
                exclude_punctuation=True,
                password_length=32,
            ),
        )
        instance = rds.CfnDBInstance(
            self,
            "Instance",
            engine="postgres",
            engine_version=POSTGRES_MAJOR,
            db_instance_class="db.t4g.micro",
            allocated_storage="20",
            storage_encrypted=True,
            db_name=deployment.database_name,
            master_username=ADMIN_USER,
            master_user_password=admin.secret_value_from_json("password").unsafe_unwrap(),
        )
        self.host, self.port = instance.attr_endpoint_address, instance.attr_endpoint_port
        self.name = deployment.database_name
        self._administer(admin, admin.secret_arn, ADMIN_USER)
        CfnOutput(Stack.of(self), "DatabaseAdminSecretArn", value=admin.secret_arn)


class LocalStackEventSource(EventSource):
    """A cluster without sign-in, and Lambda's mapping. The first message makes the topic, as Kafka does by default."""

    def __init__(self, scope: Construct, construct_id: str, deployment: DeploymentConfig) -> None:
        super().__init__(scope, construct_id)
        self._deployment = deployment
        network = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24)
            ],
            restrict_default_security_group=False,
        )
        kind = msk.CfnCluster
        self._cluster = kind(
            self,
            "Brokers",
            cluster_name=f"{deployment.prefix.lower()}-clickstream",
            kafka_version=KAFKA_VERSION,
            number_of_broker_nodes=2,
            broker_node_group_info=kind.BrokerNodeGroupInfoProperty(
                client_subnets=[subnet.subnet_id for subnet in network.isolated_subnets],
                instance_type="kafka.t3.small",
            ),
        )
        find = PlatformFunction(
            self,
            "FindBrokers",
            deployment=deployment,
            handler="functions.stream.brokers_handler.handle",
            description="Gives deployments the brokers' addresses",
            timeout=Duration.minutes(1),
            memory_mb=256,
        )
        find.add_to_role_policy(
            iam.PolicyStatement(actions=["kafka:GetBootstrapBrokers"], resources=[self._cluster.ref])
        )
        brokers = CustomResource(
            self,
            "BrokersFound",
            service_token=find.function_arn,
            properties={"ClusterArn": self._cluster.ref, "SignIn": "none"},
        )
        CfnOutput(Stack.of(self), "KafkaClusterArn", value=self._cluster.ref)
        CfnOutput(Stack.of(self), "KafkaBootstrapServers", value=brokers.get_att_string("BootstrapServers"))

    def invoke(self, function: lambda_.Function, failures: s3.Bucket) -> None:  # noqa: ARG002 (on demand: none is given up)
        settings = mapping_settings(self._deployment)
        lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            function_name=function.function_name,
            event_source_arn=self._cluster.ref,
            topics=[self._deployment.stream_topic],
            amazon_managed_kafka_event_source_config=(
                lambda_.CfnEventSourceMapping.AmazonManagedKafkaEventSourceConfigProperty(
                    consumer_group_id=consumer_group(self._deployment)
                )
            ),
            starting_position=settings["StartingPosition"],
            batch_size=settings["BatchSize"],
            maximum_batching_window_in_seconds=settings.get("MaximumBatchingWindowInSeconds"),
        )
