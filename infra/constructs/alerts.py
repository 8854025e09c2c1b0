"""What happens when a run fails, times out or is aborted: it is recorded, and somebody is told."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")


class RunAlerts(Construct):
    """A rule on the execution status of `state_machine`, with two targets: `record` and the topic.

    EventBridge writes the message itself, so that neither a function nor a route out of the VPC is needed.
    What a target does not take goes to `undelivered`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        state_machine: sfn.IStateMachine,
        record: lambda_.IFunction,
        email: str | None,
        undelivered: sqs.IQueue | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", display_name="Customer 360 alerts", enforce_ssl=True)
        if email is not None:
            self.topic.add_subscription(subscriptions.EmailSubscription(email))
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
                message=_message(),
                dead_letter_queue=undelivered,
                max_event_age=Duration.hours(24),
            )
        )


def _message() -> events.RuleTargetInput:
    detail = events.EventField.from_path
    name = detail("$.detail.name")
    return events.RuleTargetInput.from_multiline_text(
        f"Customer 360: the load {name} ended as {detail('$.detail.status')}.\n"
        f"Error: {detail('$.detail.error')}\n"
        f"Cause: {detail('$.detail.cause')}\n"
        f"Execution: {detail('$.detail.executionArn')}\n"
        "What the run did, step by step: c360 runs\n"
        f"To go on where it stopped, once the cause is gone: c360 run --resume {name}"
    )
