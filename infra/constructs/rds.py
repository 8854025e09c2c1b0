"""PostgreSQL on AWS: an RDS instance or Aurora Serverless v2, in subnets that no route connects to the internet."""

from abc import abstractmethod
from typing import cast

from aws_cdk import CfnResource, Duration, RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.bundle import CERTIFICATES
from infra.constructs.database import Database, Network, Role, password_secret
from infra.constructs.nag import accept
from infra.constructs.retention import LOG_RETENTION

PORT = 5432
POSTGRES_MAJOR = "18"  # one major everywhere: embedded, compose file, RDS
AURORA_VERSION = "18.3"
ADMIN_USER = "c360_admin"
BACKUP_DAYS = 7
PERIOD = Duration.minutes(5)
CA_FILE = f"/var/task/{CERTIFICATES}"

_PARAMETERS = {
    "rds.force_ssl": "1",
    # a run of ten thousand files locks as many partitions of staging (functions/load/plan/plan.py); 8 MB of memory
    "max_locks_per_transaction": "256",
    # errors are logged without what explains them, which quotes rows, and without their statements
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_ADMINISTRATOR = rds.Credentials.from_password(ADMIN_USER, SecretValue.unsafe_plain_text("removed below"))
"""CDK would make a secret for who has no password."""

_WAKE_SECONDS = {Role.ADMIN: 300, Role.API: 22}
"""How long to wait for it: a deployment for minutes, a request less than the 29 s that API Gateway waits."""


class IsolatedNetwork(Construct):
    """Two zones without NAT or internet gateway (a NAT costs $33 a month and zone), and its security groups.

    Functions need PostgreSQL; the load and the migrator also S3, by its free gateway endpoint. IAM tokens are signed
    locally, so nobody needs Secrets Manager, whose interface endpoint would cost $7.30 a month.
    """

    def __init__(self, scope: Construct, construct_id: str, *, quicksight: bool, zones: tuple[str, ...]) -> None:
        super().__init__(scope, construct_id)
        isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24)
            ],
            # Nothing uses the default group; emptying it would take a custom resource of CDK's.
            restrict_default_security_group=False,
        )
        for subnet, zone in zip(self.vpc.isolated_subnets, zones, strict=bool(zones)):
            resource = cast(CfnResource, subnet.node.default_child)
            resource.add_property_deletion_override("AvailabilityZone")
            resource.add_property_override("AvailabilityZoneId", zone)
        accept(self.vpc, {"VPC7": "No packet can leave for, or come from, the internet: nothing to see in a flow log."})
        self.subnets = isolated
        s3 = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3, subnets=[isolated])
        self._keep_within_account(s3)

        self.database = self._group("Database", "PostgreSQL")
        self.clients = self._group("DatabaseClients", "Functions that sign in to PostgreSQL")
        self.readers = self._group("S3Readers", "Functions that reach S3")

        self.clients.connections.allow_to(self.database, ec2.Port.tcp(PORT), "PostgreSQL")
        # The only way out of these subnets is the gateway endpoint; its prefix list differs by region.
        self.readers.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "S3 by the gateway endpoint")
        self.quicksight = self._quicksight() if quicksight else None

    def _keep_within_account(self, endpoint: ec2.GatewayVpcEndpoint) -> None:
        """Nothing can be copied to somebody else's bucket from here, with whosever credentials.

        The migrator answers CloudFormation by a URL of CloudFormation's own buckets, which are called this in every
        region (CloudFormation user guide, "Setting up VPC endpoints for AWS CloudFormation").
        """
        stack = Stack.of(self)
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["s3:*"],
                resources=["*"],
                conditions={"StringEquals": {"aws:ResourceAccount": stack.account}},
            )
        )
        endpoint.add_to_policy(
            iam.PolicyStatement(
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=[f"arn:{stack.partition}:s3:::cloudformation-custom-resource-response-*/*"],
            )
        )

    def _quicksight(self) -> ec2.SecurityGroup:
        """QuickSight's network interfaces, and Secrets Manager for the migrator, who sets the password they use."""
        group = self._group("QuickSight", "Network interfaces of QuickSight")
        group.connections.allow_to(self.database, ec2.Port.tcp(PORT), "PostgreSQL")
        # these interfaces do not keep track of connections: answers need a rule of their own (QuickSight user guide)
        group.add_ingress_rule(self.database, ec2.Port.all_tcp(), "Answers of PostgreSQL")
        secrets = self._group("SecretsEndpoint", "Secrets Manager, for the migrator")
        self.clients.connections.allow_to(secrets, ec2.Port.tcp(443), "Secrets Manager")
        self.vpc.add_interface_endpoint(
            "SecretsManager",
            service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
            subnets=ec2.SubnetSelection(subnets=self.vpc.isolated_subnets[:1]),
            security_groups=[secrets],
            open=False,
        )
        return group

    def _group(self, name: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, name, vpc=self.vpc, description=description, allow_all_outbound=False)


class ManagedDatabase(Database):
    """What an RDS instance and an Aurora cluster share: the network, and sign-in by IAM, the administrator's too.

    The administrator becomes a member of the roles that it makes, and these of rds_iam: with that, RDS takes its
    password no more (user guide, "IAM database authentication"). So it never has one. Only QuickSight knows no tokens:
    for it the BI role has a password instead.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        name: str,
        *,
        quicksight: bool = False,
        zones: tuple[str, ...] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.port = str(PORT)
        self.isolated = IsolatedNetwork(self, "Network", quicksight=quicksight, zones=zones)
        self.password_secrets: dict[Role, secretsmanager.Secret] = {}
        if quicksight:
            secret = self.password_secrets[Role.BI] = password_secret(self, Role.BI)
            accept(secret, {"SMG4": "A new password is set by a deployment, with the secret's next version."})

    @abstractmethod
    def export_logs(self) -> None:
        """Have the server's log in CloudWatch Logs, kept as long as the model keeps logs."""

    def _export_logs(self, database: rds.DatabaseInstance | rds.DatabaseCluster, group: str) -> None:
        resource = cast(rds.CfnDBInstance | rds.CfnDBCluster, database.node.default_child)
        resource.enable_cloudwatch_logs_exports = ["postgresql"]
        # RDS makes the group, and keeps it for ever; CDK's function sets how long
        logs.LogRetention(self, "LogRetention", log_group_name=f"{group}/postgresql", retention=LOG_RETENTION)
        [function] = [each for each in Stack.of(self).node.children if each.node.id.startswith("LogRetention")]
        accept(
            function,
            {
                "IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]": (
                    "CDK's own function, which writes its log by this policy."
                ),
                "IAM5[Resource::*]": "CDK's own function: it gets the name of the group in each deployment.",
            },
        )

    @abstractmethod
    def metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        """A metric of AWS/RDS about this database, every five minutes."""

    @abstractmethod
    def _grant_token(self, grantee: iam.IGrantable, user: str) -> None:
        """Allow rds-db:connect as `user` to this database only."""

    def environment(self, role: Role) -> dict[str, str]:
        variables = {
            "DATABASE_HOST": self.host,
            "DATABASE_PORT": self.port,
            "DATABASE_NAME": self.name,
            "DATABASE_USER": _user(role),
            "DATABASE_AUTH": "iam",
            "DATABASE_SSL_MODE": "verify-full",
            "DATABASE_SSL_ROOT_CERT": CA_FILE,
        }
        if role is Role.ADMIN:
            arns = {role.value: secret.secret_arn for role, secret in self.password_secrets.items()}
            variables["DATABASE_ROLE_SECRETS"] = Stack.of(self).to_json_string(arns) if arns else "{}"
        return variables

    def grant_connect(self, function: lambda_.Function, role: Role) -> None:
        self._grant_token(function, _user(role))
        if role is Role.ADMIN:
            for secret in self.password_secrets.values():
                secret.grant_read(function)

    def network(self, role: Role, *, reads_landing: bool = False) -> Network:
        groups: list[ec2.ISecurityGroup] = [self.isolated.clients]
        if role is Role.ADMIN or reads_landing:
            groups.append(self.isolated.readers)
        return Network(self.isolated.vpc, self.isolated.subnets, groups)


def _user(role: Role) -> str:
    return ADMIN_USER if role is Role.ADMIN else role.value


def _signs_in_by_iam(database: rds.DatabaseInstance | rds.DatabaseCluster) -> None:
    """Let the administrator sign in by token from its first minute."""
    resource = cast(CfnResource, database.node.default_child)
    resource.add_property_deletion_override("MasterUserPassword")
    resource.add_property_override("MasterUserAuthenticationType", "iam-db-auth")


class RdsDatabase(ManagedDatabase):
    """A single-zone db.t4g.micro with 20 GB, growing to 100 GB: $14 a month (us-east-1)."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        name: str,
        *,
        quicksight: bool = False,
        zones: tuple[str, ...] = (),
        kept: bool = True,
    ) -> None:
        super().__init__(scope, construct_id, name, quicksight=quicksight, zones=zones)
        engine = rds.DatabaseInstanceEngine.postgres(
            version=rds.PostgresEngineVersion.of(POSTGRES_MAJOR, POSTGRES_MAJOR)
        )
        self._instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
            vpc=self.isolated.vpc,
            vpc_subnets=self.isolated.subnets,
            security_groups=[self.isolated.database],
            publicly_accessible=False,
            port=PORT,
            database_name=name,
            credentials=_ADMINISTRATOR,
            iam_authentication=True,
            parameters=_PARAMETERS,
            ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1,
            # a week of them is free; statements have parameters in place of values
            enable_performance_insights=True,
            performance_insight_retention=rds.PerformanceInsightRetention.DEFAULT,
            storage_type=rds.StorageType.GP3,
            allocated_storage=20,
            max_allocated_storage=100,
            storage_encrypted=True,
            backup_retention=Duration.days(BACKUP_DAYS),
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            deletion_protection=kept,
            removal_policy=RemovalPolicy.RETAIN if kept else RemovalPolicy.DESTROY,
        )
        accept(
            self._instance,
            {
                "RDS3": "One zone by choice: the load is nightly, and a second zone doubles the cost.",
                "RDS11": "The port is no secret; only our functions' security group reaches it.",
            },
        )
        if not kept:
            accept(self._instance, {"RDS10": "It goes with its stack, as keep_data=disabled asks for."})
        self.host = self._instance.db_instance_endpoint_address
        _signs_in_by_iam(self._instance)

    def export_logs(self) -> None:
        self._export_logs(self._instance, f"/aws/rds/instance/{self._instance.instance_identifier}")

    def metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return self._instance.metric(name, statistic=statistic, period=PERIOD)

    def _grant_token(self, grantee: iam.IGrantable, user: str) -> None:
        self._instance.grant_connect(grantee, user)


class AuroraDatabase(ManagedDatabase):
    """Aurora Serverless v2 that pauses when nobody is connected for ten minutes.

    It takes some 15 s to wake up, after a day of rest 30 s and more (Aurora user guide, "Scaling to Zero ACUs").
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        name: str,
        *,
        quicksight: bool = False,
        zones: tuple[str, ...] = (),
        kept: bool = True,
    ) -> None:
        super().__init__(scope, construct_id, name, quicksight=quicksight, zones=zones)
        engine = rds.DatabaseClusterEngine.aurora_postgres(
            version=rds.AuroraPostgresEngineVersion.of(AURORA_VERSION, POSTGRES_MAJOR)
        )
        self._cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            engine=engine,
            writer=rds.ClusterInstance.serverless_v2(
                "Writer", publicly_accessible=False, ca_certificate=rds.CaCertificate.RDS_CA_RSA2048_G1
            ),
            serverless_v2_min_capacity=0,
            serverless_v2_max_capacity=4,
            serverless_v2_auto_pause_duration=Duration.minutes(10),
            vpc=self.isolated.vpc,
            vpc_subnets=self.isolated.subnets,
            security_groups=[self.isolated.database],
            port=PORT,
            default_database_name=name,
            credentials=_ADMINISTRATOR,
            iam_authentication=True,
            parameters=_PARAMETERS,
            storage_encrypted=True,
            backup=rds.BackupProps(retention=Duration.days(BACKUP_DAYS)),
            copy_tags_to_snapshot=True,
            deletion_protection=kept,
            removal_policy=RemovalPolicy.RETAIN if kept else RemovalPolicy.DESTROY,
        )
        if not kept:
            accept(self._cluster, {"RDS10": "It goes with its stack, as keep_data=disabled asks for."})
        self.host = self._cluster.cluster_endpoint.hostname
        _signs_in_by_iam(self._cluster)

    def export_logs(self) -> None:
        self._export_logs(self._cluster, f"/aws/rds/cluster/{self._cluster.cluster_identifier}")

    def metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return self._cluster.metric(name, statistic=statistic, period=PERIOD)

    def environment(self, role: Role) -> dict[str, str]:
        seconds = _WAKE_SECONDS.get(role, 45)
        return super().environment(role) | {"DATABASE_WAKE_SECONDS": str(seconds)}

    def _grant_token(self, grantee: iam.IGrantable, user: str) -> None:
        self._cluster.grant_connect(grantee, user)
