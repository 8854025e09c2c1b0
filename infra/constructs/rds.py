"""PostgreSQL on AWS: an RDS instance or Aurora Serverless v2, in the deployment's network or in one that exists."""

from abc import abstractmethod
from typing import cast

from aws_cdk import CfnResource, Duration, RemovalPolicy, SecretValue, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.config import DeploymentConfig
from infra.constructs.database import CA_FILE, Database, Role, password_secret
from infra.constructs.nag import accept
from infra.constructs.network import PORT, DatabaseNetwork, ExistingNetwork, IsolatedNetwork
from infra.constructs.retention import LOG_RETENTION
from infra.options import AccessKind

POSTGRES_MAJOR = "18"  # one major everywhere: embedded, compose file, RDS
AURORA_VERSION = "18.3"
ADMIN_USER = "c360_admin"
BACKUP_DAYS = 7
PERIOD = Duration.minutes(5)

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


class ManagedDatabase(Database):
    """What an RDS instance and an Aurora cluster share: the network, and sign-in by IAM, the administrator's too.

    The administrator becomes a member of the roles that it makes, and these of rds_iam: with that, RDS takes its
    password no more (user guide, "IAM database authentication"). So it never has one. Only QuickSight and the Data API
    know no tokens: for them the BI role has a password instead. `key`: what encrypts the data; None: AWS's own.
    """

    def __init__(
        self, scope: Construct, construct_id: str, deployment: DeploymentConfig, key: kms.IKey | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = deployment.database_name
        self.port = str(PORT)
        self._key = key
        self._kept = deployment.keeps_data
        quicksight, passwords = bool(deployment.quicksight_principal), deployment.bi_has_a_password
        self.place: DatabaseNetwork = (
            ExistingNetwork(
                self,
                "Network",
                vpc=deployment.vpc,
                subnets=deployment.vpc_subnets,
                quicksight=quicksight,
                passwords=passwords,
            )
            if deployment.vpc
            else IsolatedNetwork(self, "Network", zones=deployment.zones, quicksight=quicksight, passwords=passwords)
        )
        self.password_secrets: dict[Role, secretsmanager.Secret] = {}
        if deployment.bi_has_a_password:
            secret = self.password_secrets[Role.BI] = password_secret(self, Role.BI)
            accept(secret, {"SMG4": "A new password is set by a deployment, with the secret's next version."})

    def _groups(self) -> list[ec2.ISecurityGroup]:
        return [self.place.database] if self.place.database is not None else []

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
    def grant_token(self, grantee: iam.IGrantable, user: str) -> None:
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
        self.grant_token(function, _user(role))
        if role is Role.ADMIN:
            for secret in self.password_secrets.values():
                secret.grant_read(function)


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
        self, scope: Construct, construct_id: str, deployment: DeploymentConfig, key: kms.IKey | None = None
    ) -> None:
        super().__init__(scope, construct_id, deployment, key)
        engine = rds.DatabaseInstanceEngine.postgres(
            version=rds.PostgresEngineVersion.of(POSTGRES_MAJOR, POSTGRES_MAJOR)
        )
        self._instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
            vpc=self.place.vpc,
            vpc_subnets=self.place.subnets,
            security_groups=self._groups(),
            publicly_accessible=False,
            port=PORT,
            database_name=self.name,
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
            storage_encryption_key=self._key,
            backup_retention=Duration.days(BACKUP_DAYS),
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            deletion_protection=self._kept,
            removal_policy=RemovalPolicy.RETAIN if self._kept else RemovalPolicy.DESTROY,
        )
        accept(
            self._instance,
            {
                "RDS3": "One zone by choice: the load is nightly, and a second zone doubles the cost.",
                "RDS11": "The port is no secret; only our functions' security group reaches it.",
            },
        )
        if not self._kept:
            accept(self._instance, {"RDS10": "It goes with its stack, as keep_data=disabled asks for."})
        self.host = self._instance.db_instance_endpoint_address
        self.identifier = self._instance.instance_identifier
        _signs_in_by_iam(self._instance)

    def export_logs(self) -> None:
        self._export_logs(self._instance, f"/aws/rds/instance/{self._instance.instance_identifier}")

    def metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return self._instance.metric(name, statistic=statistic, period=PERIOD)

    def grant_token(self, grantee: iam.IGrantable, user: str) -> None:
        self._instance.grant_connect(grantee, user)


class AuroraDatabase(ManagedDatabase):
    """Aurora Serverless v2 that pauses when nobody is connected for ten minutes.

    It takes some 15 s to wake up, after a day of rest 30 s and more (Aurora user guide, "Scaling to Zero ACUs").
    """

    def __init__(
        self, scope: Construct, construct_id: str, deployment: DeploymentConfig, key: kms.IKey | None = None
    ) -> None:
        super().__init__(scope, construct_id, deployment, key)
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
            vpc=self.place.vpc,
            vpc_subnets=self.place.subnets,
            security_groups=self._groups(),
            port=PORT,
            default_database_name=self.name,
            credentials=_ADMINISTRATOR,
            iam_authentication=True,
            parameters=_PARAMETERS,
            enable_data_api=deployment.database_access is AccessKind.DATA_API or None,
            storage_encrypted=True,
            storage_encryption_key=self._key,
            backup=rds.BackupProps(retention=Duration.days(BACKUP_DAYS)),
            copy_tags_to_snapshot=True,
            deletion_protection=self._kept,
            removal_policy=RemovalPolicy.RETAIN if self._kept else RemovalPolicy.DESTROY,
        )
        if not self._kept:
            accept(self._cluster, {"RDS10": "It goes with its stack, as keep_data=disabled asks for."})
        self.host = self._cluster.cluster_endpoint.hostname
        self.cluster_arn = self._cluster.cluster_arn
        _signs_in_by_iam(self._cluster)

    def export_logs(self) -> None:
        self._export_logs(self._cluster, f"/aws/rds/cluster/{self._cluster.cluster_identifier}")

    def metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return self._cluster.metric(name, statistic=statistic, period=PERIOD)

    def environment(self, role: Role) -> dict[str, str]:
        seconds = _WAKE_SECONDS.get(role, 45)
        return super().environment(role) | {"DATABASE_WAKE_SECONDS": str(seconds)}

    def grant_token(self, grantee: iam.IGrantable, user: str) -> None:
        self._cluster.grant_connect(grantee, user)
