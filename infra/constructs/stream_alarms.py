"""Alarms on the clickstream: it falls behind, it fails, or it has messages that cannot be read."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from functions.stream.metrics import DEAD_LETTERS, NAMESPACE

PERIOD = Duration.minutes(5)
LARGEST_LAG = 10_000


class StreamAlarms(Construct):
    """Three alarms on `function`, each sent to `topic`. For Kafka, Lambda's measure of age is the offset lag."""

    def __init__(
        self, scope: Construct, construct_id: str, *, function: lambda_.IFunction, service: str, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        self._topic = topic
        lag = cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="OffsetLag",
            dimensions_map={"FunctionName": function.function_name},
            statistic="Maximum",
            period=PERIOD,
        )
        dead = cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=DEAD_LETTERS,
            dimensions_map={"service": service},
            statistic="Sum",
            period=PERIOD,
        )
        self._alarm("OffsetLag", lag, LARGEST_LAG, 3, "The clickstream is far behind for a quarter of an hour.")
        self._alarm("Errors", function.metric_errors(period=PERIOD), 1, 3, "Batches fail for a quarter of an hour.")
        self._alarm("DeadLetters", dead, 1, 1, "Messages came that are no events: c360 events dead list")

    def _alarm(self, name: str, metric: cloudwatch.Metric, threshold: int, periods: int, description: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_description=f"Customer 360: {description}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self._topic))
