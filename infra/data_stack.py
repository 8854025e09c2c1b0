"""What must never be lost: the landing bucket, the database, and the roles' secrets."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra.config import DeploymentConfig
from infra.constructs.access_logs import AccessLogBucket
from infra.constructs.audit import AuditBucket
from infra.constructs.data_key import DataKey
from infra.constructs.database import Database, ExternalDatabase, PasswordDatabase, Role
from infra.constructs.keeping import keep, keep_or_empty
from infra.constructs.landing import LandingBucket
from infra.constructs.localstack_managed import LocalStackDatabase
from infra.constructs.rds import AuroraDatabase, ManagedDatabase, RdsDatabase
from infra.options import AccessKind, DatabaseKind


class DataStack(Stack):
    """Stateful resources; on AWS they are kept when the stack is deleted."""

    def __init__(self, scope: Construct, construct_id: str, deployment: DeploymentConfig, **kwargs: Any) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.key = DataKey(self, "DataKey", kept=deployment.keeps_data) if deployment.customer_key else None
        self.landing = LandingBucket(self, "Landing", retain=deployment.on_aws, key=self.key)
        self.database = self._database(deployment)
        if deployment.database_logs and isinstance(self.database, ManagedDatabase):
            self.database.export_logs()
        self.audit = AuditBucket(self, "Audit", self.key) if deployment.audit_bucket else None
        self.access_logs = AccessLogBucket(self, "AccessLogs") if deployment.keeps_data else None  # they come late
        if self.access_logs is not None:
            self.access_logs.log(self.landing, "landing")
            if self.audit is not None:
                self.access_logs.log(self.audit, "audit")

        for bucket in (self.landing, self.audit, self.access_logs):
            if bucket is not None:
                keep_or_empty(bucket, deployment)
        if isinstance(self.database, ManagedDatabase) and deployment.keeps_data:
            keep(self.database)

        CfnOutput(self, "LandingBucketName", value=self.landing.bucket_name)
        if deployment.database is not DatabaseKind.EXTERNAL or deployment.database_host:  # else it is in the secret
            CfnOutput(self, "DatabaseHost", value=self.database.host)
        CfnOutput(self, "DatabasePort", value=self.database.port)
        CfnOutput(self, "DatabaseName", value=self.database.name)
        if self.database.place is not None and self.database.place.database is None:
            CfnOutput(self, "DatabaseClientsSecurityGroupId", value=self.database.place.clients.security_group_id)
        if deployment.database_access is AccessKind.DATA_API and isinstance(self.database, AuroraDatabase):
            CfnOutput(self, "DataApiClusterArn", value=self.database.cluster_arn)
            CfnOutput(self, "DataApiSecretArn", value=self.database.password_secrets[Role.BI].secret_arn)
        if isinstance(self.database, PasswordDatabase):
            CfnOutput(self, "BiSecretArn", value=self.database.secret_arn(Role.BI))
        if self.key is not None:
            CfnOutput(self, "DataKeyArn", value=self.key.key_arn)
        if self.audit is not None:
            CfnOutput(self, "AuditBucketName", value=self.audit.bucket_name)

    def _database(self, deployment: DeploymentConfig) -> Database:
        match deployment.database:
            case DatabaseKind.EXTERNAL:
                return ExternalDatabase(self, "Database", deployment)
            case DatabaseKind.RDS if deployment.localstack_managed:
                return LocalStackDatabase(self, "Database", deployment)
            case DatabaseKind.RDS:
                return RdsDatabase(self, "Database", deployment, self.key)
            case DatabaseKind.AURORA:
                return AuroraDatabase(self, "Database", deployment, self.key)
