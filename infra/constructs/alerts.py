"""What happens when a run fails, times out or is aborted: it is recorded, and an alert is sent."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs.alarm import PlatformAlarm, let_alarms_publish

UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
SLA = Duration.minutes(15)
"""What the nightly load is promised to take at most; `c360 runs` (cli/commands/runs.py) says the same of each run."""


class AlertTopic(sns.Topic):
    """Where alerts go; `email`: who gets them, if anybody. `encrypted`: with a key of the deployment's own.

    The key that AWS manages for SNS would not do: alarms and rules cannot use it (SNS guide, "Encrypted topics").
    """

    def __init__(self, scope: Construct, construct_id: str, *, email: str | None, encrypted: bool) -> None:
        key = _alert_key(scope) if encrypted else None
        super().__init__(scope, construct_id, display_name="Customer 360 alerts", enforce_ssl=True, master_key=key)
        self._key = key
        if email is not None:
            self.add_subscription(subscriptions.EmailSubscription(email))

    def grant_key(self, grantee: iam.IGrantable) -> None:
        """Let who publishes use the key, where there is one; CDK does so for rules only."""
        if self._key is not None:
            self._key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey")


def _alert_key(scope: Construct) -> kms.Key:
    key = kms.Key(
        scope,
        "AlertKey",
        description="Customer 360: alerts",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.DESTROY,
    )
    key.add_to_resource_policy(
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            resources=["*"],  # in a key's policy: this key
            conditions={"StringEquals": {"aws:SourceAccount": key.env.account}},
        )
    )
    return key


class RunAlerts(Construct):
    """A rule on the execution status of `state_machine`, with two targets: `record` and the topic.

    EventBridge writes the message itself, so that neither a function nor a route out of the VPC is needed.
    What a target does not take goes to `undelivered`. With `observed` (on AWS) a run that took longer than the SLA
    alarms too, and messages link to the console.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state_machine: sfn.IStateMachine,
        record: lambda_.IFunction,
        topic: sns.Topic,
        undelivered: sqs.IQueue | None,
        observed: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = topic
        rule = events.Rule(
            self,
            "Rule",
            description="A load failed, timed out or was aborted",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={"status": list(UNSUCCESSFUL), "stateMachineArn": [state_machine.state_machine_arn]},
            ),
        )
        rule.add_target(targets.LambdaFunction(record, dead_letter_queue=undelivered, max_event_age=Duration.hours(24)))
        rule.add_target(
            targets.SnsTopic(
                self.topic,
                message=_message(console=observed),
                dead_letter_queue=undelivered,
                max_event_age=Duration.hours(24),
            )
        )
        if observed:
            let_alarms_publish(topic)
            self._alarm_late_runs(state_machine)

    def _alarm_late_runs(self, state_machine: sfn.IStateMachine) -> None:
        """Step Functions reports how long a run took only when it ends; one that hangs ends at its own timeout."""
        PlatformAlarm(
            self,
            "LateRun",
            says=(
                f"a load took longer than the {SLA.to_minutes():.0f} minutes promised. All is loaded if c360 runs says"
                " SUCCEEDED. Which step took long: c360 runs, and c360 logs load --run RUN_ID."
            ),
            section="A load took too long",
            topic=self.topic,
            metric=state_machine.metric_time(statistic="Maximum", period=Duration.minutes(5)),
            above=SLA.to_milliseconds(),
        )


def _message(*, console: bool) -> events.RuleTargetInput:
    field = events.EventField.from_path
    name, arn, region = field("$.detail.name"), field("$.detail.executionArn"), field("$.region")
    lines = [
        f"Customer 360: the load {name} ended as {field('$.detail.status')}.",
        "",
        f"What failed: {field('$.detail.error')}",
        f"Why: {field('$.detail.cause')}",
        f"Where: execution {arn}",
        f"Its steps: c360 runs. Its log: c360 logs load --run {name}",
    ]
    if console:
        page = f"https://{region}.console.aws.amazon.com/states/home?region={region}#/v2/executions/details/{arn}"
        lines.append(f"In the console: {page}")
    lines += [
        "",
        "What to do: docs/runbook.md, section A load failed, says what each error means. What is loaded stays loaded.",
        f"Once the cause is gone, go on where it stopped: c360 run --resume {name} --wait",
    ]
    return events.RuleTargetInput.from_multiline_text("\n".join(lines))
