"""RDS Proxy between the API and an RDS instance: many callers share few connections (`-c database_proxy=enabled`)."""

from typing import cast

from aws_cdk import Duration, Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from constructs import Construct

from infra.constructs.database import Database, Role
from infra.constructs.network import DatabaseNetwork, let_in
from infra.constructs.rds import RdsDatabase

SYSTEM_AUTHORITIES = "/etc/pki/tls/certs/ca-bundle.crt"
"""In Lambda's Python runtime. The proxy's certificate is ACM's, signed by Amazon's root, not by RDS's authorities."""
MOST_CONNECTIONS_PERCENT = 30
"""Of the database's: what the role c360_api may have."""


class ApiProxy(Database):
    """The database as the API reaches it through a proxy of its own; both sides sign in by IAM, over verified TLS.

    It is stateless, so it stands in the API's stack and goes with it.
    """

    def __init__(self, scope: Construct, construct_id: str, database: RdsDatabase) -> None:
        super().__init__(scope, construct_id)
        self._database = database
        self.port, self.name, self.place = database.port, database.name, database.place
        place: DatabaseNetwork = database.place
        group = place.group(self, "Proxy", "RDS Proxy of the API")
        let_in(self, "ApiToProxy", place.clients, group)
        let_in(self, "ProxyToDatabase", group, cast(ec2.ISecurityGroup, place.database))
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("rds.amazonaws.com"))
        database.grant_token(role, Role.API.value)
        self._proxy = rds.CfnDBProxy(
            self,
            "Default",
            db_proxy_name=f"{Stack.of(self).stack_name}-proxy".lower(),
            engine_family="POSTGRESQL",
            default_auth_scheme="IAM_AUTH",
            role_arn=role.role_arn,
            require_tls=True,
            vpc_subnet_ids=place.subnet_ids,
            vpc_security_group_ids=[group.security_group_id],
            idle_client_timeout=round(Duration.minutes(10).to_seconds()),
        )
        self._proxy.node.add_dependency(role)
        targets = rds.CfnDBProxyTargetGroup(
            self,
            "Targets",
            db_proxy_name=self._proxy.ref,
            target_group_name="default",
            db_instance_identifiers=[database.identifier],
            connection_pool_configuration_info=rds.CfnDBProxyTargetGroup.ConnectionPoolConfigurationInfoFormatProperty(
                max_connections_percent=MOST_CONNECTIONS_PERCENT,
                max_idle_connections_percent=5,
                connection_borrow_timeout=5,
            ),
        )
        targets.add_property_deletion_override("Tags")  # which CDK adds, and CloudFormation does not know
        self.host = self._proxy.attr_endpoint
        self.ready = targets

    def environment(self, role: Role) -> dict[str, str]:
        return self._database.environment(role) | {
            "DATABASE_HOST": self.host,
            "DATABASE_SSL_ROOT_CERT": SYSTEM_AUTHORITIES,
            "DATABASE_POOLED": "true",
        }

    def grant_connect(self, function: lambda_.Function, role: Role) -> None:
        stack = Stack.of(self)
        identity = Fn.select(6, Fn.split(":", self._proxy.attr_db_proxy_arn))  # prx-…
        function.add_to_role_policy(
            iam.PolicyStatement(
                actions=["rds-db:connect"],
                resources=[
                    f"arn:{stack.partition}:rds-db:{stack.region}:{stack.account}:dbuser:{identity}/{role.value}"
                ],
            )
        )
        function.node.add_dependency(self.ready)
