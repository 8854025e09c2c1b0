"""The queue of what EventBridge and Lambda gave up delivering; `c360 undelivered` lists it and delivers it again."""

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.nag import accept


class UndeliveredQueue(sqs.Queue):
    """One for all stacks of a deployment, so that one alarm and one command know of everything."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        accept(self, {"SQS3": "It is the dead-letter queue, of EventBridge targets and a function."})

    def for_rules_of(self, stack: Stack) -> sqs.IQueue:
        """The queue as dead-letter queue of the rules of another stack, which may send to it from now on.

        Named by their stack: its rules name this queue, which so cannot name them.
        """
        rules = Stack.of(self).format_arn(
            service="events",
            resource="rule",
            resource_name=f"{stack.stack_name}-*",
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
        self.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sqs:SendMessage"],
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                resources=[self.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": rules}},
            )
        )
        return sqs.Queue.from_queue_arn(stack, "Undelivered", self.queue_arn)
