"""An alarm of the platform: it says what is wrong, and where the runbook says what to do."""

from typing import cast

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

RUNBOOK = "docs/runbook.md"


def runbook_link(section: str) -> str:
    """The place of a section, named by its heading, as GitHub and others link it."""
    return f"{RUNBOOK}#{section.lower().replace(' ', '-')}"


class PlatformAlarm(cloudwatch.Alarm):
    """Sends to `topic` when `metric` was above `above`, or below `below`, in `periods` periods in a row.

    `says` is what is wrong, in sentences; `section` the heading of the runbook that says what to do. No data is no
    alarm, unless `missing_breaches`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        says: str,
        section: str,
        topic: sns.ITopic,
        metric: cloudwatch.IMetric,
        above: float | None = None,
        below: float | None = None,
        periods: int = 1,
        missing_breaches: bool = False,
    ) -> None:
        if (above is None) == (below is None):
            raise ValueError(f"{construct_id}: an alarm has one threshold, above or below")
        compared, missing = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        super().__init__(
            scope,
            construct_id,
            alarm_description=f"Customer 360: {says} What to do: {runbook_link(section)}",
            metric=metric,
            threshold=cast(float, below if above is None else above),
            comparison_operator=compared.LESS_THAN_THRESHOLD if above is None else compared.GREATER_THAN_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=missing.BREACHING if missing_breaches else missing.NOT_BREACHING,
        )
        self.add_alarm_action(actions.SnsAction(topic))


def let_alarms_publish(topic: sns.Topic) -> None:
    """Let the account's alarms send to `topic`: with a policy of its own, a topic no longer lets everybody of it."""
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["sns:Publish"],
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            resources=[topic.topic_arn],
            conditions={"StringEquals": {"aws:SourceAccount": topic.env.account}},
        )
    )
