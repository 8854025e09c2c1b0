"""How people reach the database, where `-c database_access=` says that they do."""

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.config import DeploymentConfig
from infra.constructs.database import Role
from infra.constructs.nag import accept
from infra.constructs.rds import AuroraDatabase, ManagedDatabase
from infra.constructs.tunnel_host import TunnelHost
from infra.data_stack import DataStack
from infra.options import AccessKind

_DATA_API = (
    "BatchExecuteStatement",
    "BeginTransaction",
    "CommitTransaction",
    "ExecuteStatement",
    "RollbackTransaction",
)


class AccessStack(Stack):
    """Policies to attach to people, by what they may read; and the host of the tunnel. It can go at any time."""

    def __init__(
        self, scope: Construct, construct_id: str, deployment: DeploymentConfig, data: DataStack, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        database = data.database
        if deployment.database_access is AccessKind.TUNNEL and isinstance(database, ManagedDatabase):
            self._tunnel(database)
        if deployment.database_access is AccessKind.DATA_API and isinstance(database, AuroraDatabase):
            self._data_api(database)

    def _tunnel(self, database: ManagedDatabase) -> None:
        host = TunnelHost(self, "Tunnel", database.place)
        for name, role, what in (
            ("ReadMasked", Role.BI, "without personal values"),
            ("ReadPersons", Role.BI_PERSONS, "persons included"),
        ):
            policy = self._policy(name, f"Sign in to the Customer 360 database and read it, {what}")
            host.grant_forwarding(policy)
            if role in database.password_secrets:
                database.password_secrets[role].grant_read(policy)
            else:
                database.grant_token(policy, role.value)
        CfnOutput(self, "TunnelInstanceId", value=host.instance_id)

    def _data_api(self, database: AuroraDatabase) -> None:
        policy = self._policy("ReadMasked", "Read the Customer 360 database by the Data API, without personal values")
        policy.add_statements(
            iam.PolicyStatement(
                actions=[f"rds-data:{action}" for action in _DATA_API], resources=[database.cluster_arn]
            )
        )
        database.password_secrets[Role.BI].grant_read(policy)

    def _policy(self, name: str, description: str) -> iam.ManagedPolicy:
        policy = iam.ManagedPolicy(self, name, description=description)
        accept(
            policy,
            {
                "IAM5[Resource::arn:<AWS::Partition>:ssm:*:<AWS::AccountId>:session/<aws:userid>-*]": (
                    "The sessions that the person has started, whatever their ids."
                )
            },
        )
        CfnOutput(self, f"{name}PolicyArn", value=policy.managed_policy_arn)
        return policy
