"""The clickstream: what brings events from Kafka to the database, and what happens to messages that are none."""

from typing import Any, cast

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct, IConstruct

from infra.config import DeploymentConfig
from infra.constructs.alarm import runbook_link
from infra.constructs.database import Role
from infra.constructs.event_source import EventSource, ExternalEventSource
from infra.constructs.function import PlatformFunction, service_name
from infra.constructs.keeping import keep_or_empty
from infra.constructs.localstack_managed import LocalStackEventSource
from infra.constructs.msk import MskEventSource
from infra.constructs.nag import accept
from infra.constructs.network import DatabaseNetwork
from infra.constructs.private_bucket import PrivateBucket
from infra.constructs.stream_alarms import StreamAlarms
from infra.constructs.undelivered import UndeliveredQueue
from infra.data_stack import DataStack
from infra.pipeline_stack import PipelineStack

GIVEN_UP_DAYS = 90


class StreamStack(Stack):
    """Stateless but for the topic, whose week of messages is lost with it. Waits for the pipeline's migrations."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        deployment: DeploymentConfig,
        data: DataStack,
        pipeline: PipelineStack,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._deployment = deployment
        self._data = data
        self.add_stack_dependency(pipeline)
        self.stream = self._function("Stream", "functions.stream.handler.handle", "Stores a batch of events", 512, 10)
        self.dead_letters = self._function(
            "DeadLetters", "functions.stream.dead_letter_handler.handle", "Lists and replays dead letters", 256, 2
        )
        self.source = self._source()
        failures = self._failures()
        self.source.invoke(self.stream, failures)
        if deployment.on_aws:
            accept(
                cast(IConstruct, self.stream.role),
                {
                    "IAM5[Resource::*]": "Network interfaces of the function and its event source: EC2 takes no "
                    "narrower resource.",
                    f"IAM5[Resource::<{_logical_id(failures)}.Arn>/*]": "Any batch that is given up, in their bucket.",
                },
            )
            self._alert_given_up(failures, pipeline.alerts.topic, pipeline.undelivered)
            StreamAlarms(
                self,
                "Alarms",
                function=self.stream,
                service=service_name("Stream", deployment.prefix),
                topic=pipeline.alerts.topic,
            )

        CfnOutput(self, "StreamFunctionName", value=self.stream.function_name)
        CfnOutput(self, "DeadLettersFunctionName", value=self.dead_letters.function_name)
        CfnOutput(self, "KafkaTopic", value=deployment.stream_topic)
        CfnOutput(self, "FailedBatchesBucketName", value=failures.bucket_name)

    def _function(
        self, name: str, handler: str, description: str, memory_mb: int, concurrency: int
    ) -> PlatformFunction:
        return PlatformFunction(
            self,
            name,
            deployment=self._deployment,
            database=self._data.database,
            role=Role.STREAM,
            handler=handler,
            description=description,
            timeout=Duration.minutes(1),
            memory_mb=memory_mb,
            concurrency=concurrency,
            environment={
                "PARTIAL_BATCH_RESPONSE": "true" if self._deployment.stream_pollers else "false",
            },
        )

    def _source(self) -> EventSource:
        if self._deployment.on_aws:
            place = cast(DatabaseNetwork, self._data.database.place)
            return MskEventSource(self, "Kafka", self._deployment, place)
        kind = LocalStackEventSource if self._deployment.localstack_managed else ExternalEventSource
        return kind(self, "Kafka", self._deployment)

    def _alert_given_up(self, failures: s3.Bucket, topic: sns.ITopic, undelivered: UndeliveredQueue | None) -> None:
        """A batch that is given up is a file in the bucket, which EventBridge reports to the topic."""
        # event_bridge_enabled=True would deploy a custom resource of CDK's for the same property
        cast(s3.CfnBucket, failures.node.default_child).add_property_override(
            "NotificationConfiguration", {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        )
        key = events.EventField.from_path("$.detail.object.key")
        events.Rule(
            self,
            "GivenUpRule",
            description="A batch of the clickstream was given up",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={"bucket": {"name": [failures.bucket_name]}},
            ),
            targets=[
                targets.SnsTopic(
                    topic,
                    message=events.RuleTargetInput.from_multiline_text(
                        "Customer 360: a batch of the clickstream was given up, after all its attempts.\n"
                        f"It is the object {key} of the bucket {failures.bucket_name}.\n"
                        f"What to do: {runbook_link('A batch was given up')}"
                    ),
                    dead_letter_queue=None if undelivered is None else undelivered.for_rules_of(self),
                    max_event_age=Duration.hours(24),
                )
            ],
        )

    def _failures(self) -> s3.Bucket:
        bucket = PrivateBucket(
            self,
            "GivenUp",
            retain=self._deployment.on_aws,
            key=self._data.key,
            lifecycle_rules=[s3.LifecycleRule(id="Forget", expiration=Duration.days(GIVEN_UP_DAYS))],
        )
        if self._data.access_logs is not None:
            self._data.access_logs.log(bucket, "given-up")
        keep_or_empty(bucket, self._deployment)
        return bucket


def _logical_id(bucket: s3.Bucket) -> str:
    return Stack.of(bucket).get_logical_id(cast(Any, bucket.node.default_child))
