"""What happens when a run fails, times out or is aborted: it is recorded, and an alert is sent."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
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

STARTED_WITHIN_HOURS = 25
"""A load each night, and an hour more."""


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
    alarms too, and messages link to the console; `migrate` named, also a day in which no load has started.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state_machine: sfn.IStateMachine,
        record: lambda_.IFunction,
        topic: sns.Topic,
        undelivered: sqs.Queue | None,
        observed: bool,
        migrate: lambda_.IFunction | None,
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
            if migrate is not None:
                self._alarm_missing_starts(state_machine, migrate)
        if undelivered is not None:
            self._give_up_to(undelivered, record)

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

    def _alarm_missing_starts(self, state_machine: sfn.IStateMachine, migrate: lambda_.IFunction) -> None:
        """A rule that is gone, off or throttled fails no run. A deployment's migration counts as a start, so that a
        new deployment has a day for its first load."""
        hour = Duration.hours(1)
        PlatformAlarm(
            self,
            "NotStarted",
            says=f"no load has started for {STARTED_WITHIN_HOURS} hours, though one is due each night.",
            section="No load has started",
            topic=self.topic,
            metric=cloudwatch.MathExpression(
                expression="SUM([starts, migrations])",
                using_metrics={
                    "starts": state_machine.metric_started(statistic="Sum", period=hour),
                    "migrations": migrate.metric_invocations(statistic="Sum", period=hour),
                },
                period=hour,
                label="Starts",
            ),
            below=1,
            periods=STARTED_WITHIN_HOURS,
            missing_breaches=True,
        )

    def _give_up_to(self, undelivered: sqs.Queue, record: lambda_.IFunction) -> None:
        """Keep the ends of runs that `record` failed on, after Lambda's own three tries, with everything else that was
        not delivered; and say so when there is anything."""
        configuration = lambda_.CfnEventInvokeConfig(
            self,
            "RecordFailures",
            function_name=record.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=2,
            destination_config=lambda_.CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=undelivered.queue_arn)
            ),
        )
        # Lambda sends it in the function's name; CDK would grant more than that
        allowed = iam.Policy(
            self,
            "MaySendFailures",
            statements=[iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[undelivered.queue_arn])],
        )
        if record.role is not None:
            allowed.attach_to_role(record.role)
        configuration.node.add_dependency(allowed)  # Lambda tries the role when the destination is set
        PlatformAlarm(
            self,
            "NotDelivered",
            says="an event of a load (its start, its end, or an alert) was not delivered, and waits in a queue.",
            section="Something was not delivered",
            topic=self.topic,
            metric=undelivered.metric_approximate_number_of_messages_visible(
                statistic="Maximum", period=Duration.minutes(5)
            ),
            above=0,
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
