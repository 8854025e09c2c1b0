"""The dashboard in Amazon QuickSight: a connection into the VPC, a data source, data sets, and the dashboard."""

from typing import Any, cast

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_quicksight as quicksight
from constructs import Construct

from dashboards.description import load_dashboard
from dashboards.quicksight.definition import data_set, definition, metrics_of
from functions.model.metrics import Metric
from infra.config import DeploymentConfig
from infra.constructs.database import Role
from infra.constructs.nag import accept
from infra.constructs.rds import ManagedDatabase
from infra.data_stack import DataStack
from infra.options import DatabaseKind

_ENGINES = {
    DatabaseKind.RDS: ("POSTGRESQL", "PostgreSqlParameters"),
    DatabaseKind.AURORA: ("AURORA_POSTGRESQL", "AuroraPostgreSqlParameters"),
}
_USE_DATA_SOURCE = ("DescribeDataSource", "DescribeDataSourcePermissions", "PassDataSource")
_USE_DATA_SET = ("DescribeDataSet", "DescribeDataSetPermissions", "PassDataSet", "DescribeIngestion", "ListIngestions")
_VIEW = ("DescribeDashboard", "ListDashboardVersions", "QueryDashboard")


class QuickSightStack(Stack):
    """For an account that subscribes to QuickSight, and the user or group of `-c quicksight_principal=`."""

    def __init__(
        self, scope: Construct, construct_id: str, deployment: DeploymentConfig, data: DataStack, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._principal = deployment.quicksight_principal
        self._prefix = deployment.prefix.lower()
        dashboard = load_dashboard()
        source = self._data_source(deployment, cast(ManagedDatabase, data.database))
        sets = {metric.name: self._data_set(metric, source) for metric in metrics_of(dashboard)}
        shown = quicksight.CfnDashboard(
            self,
            "Dashboard",
            aws_account_id=self.account,
            dashboard_id=f"{self._prefix}-customer-360",
            name=dashboard.title,
            permissions=[self._permission(quicksight.CfnDashboard.ResourcePermissionProperty, _VIEW)],
        )
        arns = {name: each.attr_arn for name, each in sets.items()}
        shown.add_property_override("Definition", definition(dashboard, arns))
        CfnOutput(self, "QuickSightDashboardId", value=shown.dashboard_id)

    def _data_source(self, deployment: DeploymentConfig, database: ManagedDatabase) -> quicksight.CfnDataSource:
        network = database.place
        connection = quicksight.CfnVPCConnection(
            self,
            "VpcConnection",
            aws_account_id=self.account,
            vpc_connection_id=f"{self._prefix}-vpc",
            name=f"{deployment.prefix} database",
            role_arn=self._network_role().role_arn,
            security_group_ids=[network.quicksight.security_group_id] if network.quicksight else [],
            subnet_ids=network.subnet_ids,
        )
        engine, parameters = _ENGINES[deployment.database]
        source = quicksight.CfnDataSource(
            self,
            "DataSource",
            aws_account_id=self.account,
            data_source_id=f"{self._prefix}-database",
            name="Customer 360 (read only)",
            type=engine,
            credentials=quicksight.CfnDataSource.DataSourceCredentialsProperty(
                secret_arn=database.password_secrets[Role.BI].secret_arn
            ),
            ssl_properties=quicksight.CfnDataSource.SslPropertiesProperty(disable_ssl=False),
            vpc_connection_properties=quicksight.CfnDataSource.VpcConnectionPropertiesProperty(
                vpc_connection_arn=connection.attr_arn
            ),
            permissions=[self._permission(quicksight.CfnDataSource.ResourcePermissionProperty, _USE_DATA_SOURCE)],
        )
        where = {"Host": database.host, "Port": int(database.port), "Database": database.name}
        source.add_property_override("DataSourceParameters", {parameters: where})
        return source

    def _data_set(self, metric: Metric, source: quicksight.CfnDataSource) -> quicksight.CfnDataSet:
        made = quicksight.CfnDataSet(
            self,
            f"DataSet{metric.name.title().replace('-', '')}",
            aws_account_id=self.account,
            data_set_id=f"{self._prefix}-{metric.name}",
            permissions=[self._permission(quicksight.CfnDataSet.ResourcePermissionProperty, _USE_DATA_SET)],
        )
        for name, value in data_set(metric, source.attr_arn).items():
            made.add_property_override(name, value)
        return made

    def _permission[Permission](self, kind: type[Permission], actions: tuple[str, ...]) -> Permission:
        return kind(principal=self._principal, actions=[f"quicksight:{action}" for action in actions])  # type: ignore[call-arg]

    def _network_role(self) -> iam.Role:
        role = iam.Role(
            self,
            "NetworkRole",
            assumed_by=cast(iam.IPrincipal, iam.ServicePrincipal("quicksight.amazonaws.com")),
            description="QuickSight's network interfaces in the database's subnets",
        )
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ec2:CreateNetworkInterface",
                    "ec2:DeleteNetworkInterface",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:ModifyNetworkInterfaceAttribute",
                ],
                resources=["*"],
            )
        )
        accept(role, {"IAM5[Resource::*]": "Network interfaces of QuickSight: EC2 takes no narrower resource."})
        return role
