"""Kafka behind one interface, whoever serves it: what brings the clickstream to its function."""

from abc import abstractmethod
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.config import DeploymentConfig

RETRY_ATTEMPTS = 10
"""With provisioned pollers, after which a batch of one record goes to the failure bucket: Lambda makes no more for
Kafka where there is such a destination (docs/adr/0021)."""


class EventSource(Construct):
    """What a stack may ask of Kafka."""

    @abstractmethod
    def invoke(self, function: lambda_.Function, failures: s3.Bucket) -> None:
        """Have the topic's records bring batches to `function`.

        With provisioned pollers, what is given up goes to `failures`. On demand nothing is: with a destination, Lambda
        would give up what an outage of the database made fail.
        """


def mapping_settings(deployment: DeploymentConfig) -> dict[str, Any]:
    """The settings that every mapping shares, by their names in Lambda's API.

    Limits, bisecting and partial responses exist with provisioned pollers only; without, a batch is tried until it
    passes, so the function itself parts poison from the rest.
    """
    settings: dict[str, Any] = {
        "BatchSize": deployment.stream_batch_size,
        "MaximumBatchingWindowInSeconds": deployment.stream_window_seconds,
        "StartingPosition": "TRIM_HORIZON",
    }
    if deployment.stream_pollers:
        settings |= {
            "MaximumRetryAttempts": RETRY_ATTEMPTS,
            "BisectBatchOnFunctionError": True,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
    return settings


def consumer_group(deployment: DeploymentConfig) -> str:
    """Under which the mapping commits."""
    return f"{deployment.prefix.lower()}-stream"


class ExternalEventSource(EventSource):
    """A Kafka that exists already, for LocalStack, whose open runtime has no Kafka triggers.

    The mapping is an output of the stack, EventSourceMapping, in the words of Lambda's API; the poller on the host
    (local/event_source/poller.py) does what it says.
    """

    def __init__(self, scope: Construct, construct_id: str, deployment: DeploymentConfig) -> None:
        super().__init__(scope, construct_id)
        self._deployment = deployment

    def invoke(self, function: lambda_.Function, failures: s3.Bucket) -> None:
        deployment = self._deployment
        stack = Stack.of(self)
        pollers: dict[str, Any] = {}
        if deployment.stream_pollers:
            destination = {"OnFailure": {"Destination": failures.bucket_arn}}
            pollers = {"MinimumPollers": deployment.stream_pollers, "DestinationConfig": destination}
        mapping = {
            "FunctionName": function.function_name,
            "EventSourceArn": f"arn:aws:kafka:{stack.region}:{stack.account}:cluster/local/00000000-0000-0000-0000-1",
            "BootstrapServers": deployment.stream_bootstrap_servers,
            "Topic": deployment.stream_topic,
            "Partitions": deployment.stream_partitions,
            "ConsumerGroupId": consumer_group(deployment),
            **mapping_settings(deployment),
            **pollers,
        }
        CfnOutput(stack, "EventSourceMapping", value=stack.to_json_string(mapping))
        CfnOutput(stack, "KafkaBootstrapServers", value=deployment.stream_bootstrap_servers)
