"""The public keys of the issuer of tokens, where the API reads them without the internet: an object in a bucket.

A function outside of the VPC copies them there in each deployment and every few minutes, so that a rotation of keys
needs nobody.
"""

from typing import cast

from aws_cdk import CfnResource, CustomResource, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import DeploymentConfig
from infra.constructs.alarm import PlatformAlarm
from infra.constructs.function import PlatformFunction
from infra.constructs.nag import accept
from infra.constructs.private_bucket import PrivateBucket

OBJECT = "jwks.json"
INTERVAL = Duration.minutes(5)


class IssuerKeys(Construct):
    """`url`: where the API reads them (its JWT_JWKS_URL); whoever is granted may read that object and no other.

    `topic`: gets an alert when the keys were not refreshed for half an hour; None: no alert. `undelivered`: where
    EventBridge leaves what it could not start. A copy that fails is not kept there: the next one does the same.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: DeploymentConfig,
        topic: sns.ITopic | None,
        undelivered: sqs.IQueue | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._bucket = PrivateBucket(self, "Bucket", retain=False)
        accept(self._bucket, {"S1": "Public keys: who reads them may."})
        self.url = f"s3://{self._bucket.bucket_name}/{OBJECT}"
        refresh = PlatformFunction(
            self,
            "RefreshKeys",
            deployment=deployment,
            handler="functions.api.security.keys_handler.handle",
            description="Copies the keys of the issuer of tokens to where the API reads them",
            timeout=Duration.minutes(1),
            memory_mb=256,
            environment={"JWT_KEYS_PUBLISHED": deployment.keys_published_at, "JWT_JWKS_URL": self.url},
        )
        refresh.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:DeleteObject", "s3:PutObject"], resources=[self._bucket.arn_for_objects(OBJECT)]
            )
        )
        self.stored = CustomResource(
            self,
            "Stored",
            service_token=refresh.function_arn,
            properties={"PublishedAt": deployment.keys_published_at},
        )
        # By override, since CustomResource's own service_timeout renders a string where an integer is due.
        cast(CfnResource, self.stored.node.default_child).add_property_override("ServiceTimeout", 120)
        self.stored.node.add_dependency(refresh, self._bucket)
        rule = events.Rule(
            self,
            "Every",
            description="Copies the issuer's keys",
            schedule=events.Schedule.rate(INTERVAL),
            # the next one comes in minutes
            targets=[
                targets.LambdaFunction(refresh, retry_attempts=0, max_event_age=INTERVAL, dead_letter_queue=undelivered)
            ],
        )
        rule.node.add_dependency(self.stored)  # so that it goes first, and no copy comes after the last is removed
        if topic is not None:
            self._alarm_without_a_copy(refresh, topic)

    def _alarm_without_a_copy(self, refresh: PlatformFunction, topic: sns.ITopic) -> None:
        """Counted are copies, not errors: a rule that is gone, off or refused makes none."""
        period = Duration.minutes(15)
        alarm = PlatformAlarm(
            self,
            "NotRefreshed",
            says="the keys of the issuer of tokens were not copied for half an hour. Those that are stored go on being"
            " used.",
            section="A token is refused",
            topic=topic,
            metric=cloudwatch.MathExpression(
                expression="calls - FILL(errors, 0)",
                using_metrics={
                    "calls": refresh.metric_invocations(statistic="Sum", period=period),
                    "errors": refresh.metric_errors(statistic="Sum", period=period),
                },
                period=period,
                label="Copies",
            ),
            below=1,
            periods=2,
            missing_breaches=True,
        )
        alarm.node.add_dependency(self.stored)  # which is the first copy

    def grant_read(self, grantee: iam.IGrantable) -> None:
        """Let it read the object."""
        grantee.grant_principal.add_to_principal_policy(
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[self._bucket.arn_for_objects(OBJECT)])
        )
