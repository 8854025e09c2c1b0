"""Who watches the platform: one dashboard, and alarms that concern no single run (on AWS only)."""

from typing import Any, cast

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.api_stack import ApiStack
from infra.config import DeploymentConfig
from infra.constructs.alarm import PlatformAlarm
from infra.constructs.dashboard import PERIOD, OperationsDashboard
from infra.constructs.rds import ManagedDatabase
from infra.data_stack import DataStack
from infra.options import DatabaseKind
from infra.pipeline_stack import PipelineStack
from infra.stream_stack import StreamStack

LEAST_STORAGE_BYTES = 2 << 30
"""RDS grows the disk when less than a tenth is free; below this it could not, or has reached its largest size."""

API_ERRORS = 5
"""Answers of 500 and above in five minutes, three times in a row."""


class OperationsStack(Stack):
    """Stateless, and last: it shows what the other stacks have."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        deployment: DeploymentConfig,
        *,
        data: DataStack,
        pipeline: PipelineStack,
        api: ApiStack,
        stream: StreamStack | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        database = data.database if isinstance(data.database, ManagedDatabase) else None
        topic = pipeline.alerts.topic
        PlatformAlarm(
            self,
            "ApiErrors",
            says=f"the API failed on more than {API_ERRORS} requests in five minutes, three times in a row.",
            section="The API answers with errors",
            topic=topic,
            metric=api.api.metric_server_error(statistic="Sum", period=PERIOD),
            above=API_ERRORS,
            periods=3,
        )
        if database is not None and deployment.database is DatabaseKind.RDS:
            PlatformAlarm(
                self,
                "DatabaseStorage",
                says="the database has less than 2 GB of its disk left.",
                section="The database is full or slow",
                topic=topic,
                metric=database.metric("FreeStorageSpace", "Minimum"),
                below=LEAST_STORAGE_BYTES,
                periods=3,
            )
        if deployment.budget is not None and deployment.alert_email is not None:
            self._budget(deployment, deployment.budget, deployment.alert_email)
        name = f"{deployment.prefix}-{self.region}"  # an account's dashboards are the same in every region
        self.dashboard = OperationsDashboard(
            self,
            "Dashboard",
            name=name,
            prefix=deployment.prefix,
            load=pipeline.state_machine,
            api=api.api,
            database=database,
            functions=[pipeline.load, pipeline.record_status, api.function, *([stream.stream] if stream else [])],
            stream=stream.stream if stream else None,
            alarms=_alarms(cast(App, self.node.root)),
        )
        console = f"https://{self.region}.console.aws.amazon.com/cloudwatch/home?region={self.region}"
        CfnOutput(self, "OperationsUrl", value=f"{console}#dashboards/dashboard/{name}")

    def _budget(self, deployment: DeploymentConfig, dollars: float, email: str) -> None:
        """Tell when the month's bill is at 80 % of the budget, and when it is forecast to exceed it.

        It counts what carries the deployment's tag, once that tag is activated for cost allocation.
        """
        kind = budgets.CfnBudget
        subscriber = kind.SubscriberProperty(subscription_type="EMAIL", address=email)
        kind(
            self,
            "Budget",
            budget=kind.BudgetDataProperty(
                budget_name=f"{deployment.prefix}-{self.region}",
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=kind.SpendProperty(amount=dollars, unit="USD"),
                cost_filters={"TagKeyValue": [f"user:deployment${deployment.prefix}"]},
            ),
            notifications_with_subscribers=[
                kind.NotificationWithSubscribersProperty(
                    notification=kind.NotificationProperty(
                        notification_type=when, comparison_operator="GREATER_THAN", threshold=percent
                    ),
                    subscribers=[subscriber],
                )
                for when, percent in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
        )


def _alarms(app: App) -> list[cloudwatch.IAlarm]:
    """Every alarm of every stack, in the order in which they were made."""
    return [construct for construct in app.node.find_all() if isinstance(construct, PlatformAlarm)]
