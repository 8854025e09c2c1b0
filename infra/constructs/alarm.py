"""An alarm that notifies the alert topic; what is not measured is well."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct


class TopicAlarm(cloudwatch.Alarm):
    """Rings when `metric` is at least `threshold` in each of `periods` periods one after another."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topic: sns.ITopic,
        metric: cloudwatch.IMetric,
        threshold: float = 1,
        periods: int = 1,
        description: str,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            alarm_description=f"Customer 360: {description}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self.add_alarm_action(actions.SnsAction(topic))
