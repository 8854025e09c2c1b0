"""Alarms on the clickstream: it falls behind, it fails, or it has messages that cannot be read."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from functions.common.metrics import NAMESPACE
from functions.stream.metrics import DEAD_LETTERS
from infra.constructs.alarm import PlatformAlarm

PERIOD = Duration.minutes(5)
LARGEST_LAG = 10_000


def offset_lag(function: lambda_.IFunction) -> cloudwatch.Metric:
    """Messages that wait: for Kafka, Lambda's measure of age."""
    return cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name="OffsetLag",
        dimensions_map={"FunctionName": function.function_name},
        statistic="Maximum",
        period=PERIOD,
    )


class StreamAlarms(Construct):
    """Three alarms on `function`, each sent to `topic`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, function: lambda_.IFunction, service: str, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        dead = cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=DEAD_LETTERS,
            dimensions_map={"service": service},
            statistic="Sum",
            period=PERIOD,
        )
        PlatformAlarm(
            self,
            "OffsetLag",
            says="the clickstream is far behind for a quarter of an hour.",
            section="The clickstream is behind or fails",
            topic=topic,
            metric=offset_lag(function),
            above=LARGEST_LAG,
            periods=3,
        )
        PlatformAlarm(
            self,
            "Errors",
            says="batches of events fail for a quarter of an hour.",
            section="The clickstream is behind or fails",
            topic=topic,
            metric=function.metric_errors(period=PERIOD),
            above=0,
            periods=3,
        )
        PlatformAlarm(
            self,
            "DeadLetters",
            says="messages came that are no events.",
            section="Messages that are no events",
            topic=topic,
            metric=dead,
            above=0,
        )
