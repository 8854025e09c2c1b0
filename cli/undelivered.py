"""What AWS gave up delivering: events of loads in a queue, batches of the clickstream in a bucket."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.deployment import Deployment
from cli.errors import CliError, FunctionFailedError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_sqs.type_defs import MessageTypeDef

QUEUE, BUCKET = "UndeliveredQueueUrl", "FailedBatchesBucketName"
_LOOK_SECONDS = 30
"""For how long SQS shows a message to nobody else once somebody looks at it."""
_WAITS = "See c360 undelivered list."


class Kind(StrEnum):
    """What did not arrive."""

    START = "start"
    END = "end"
    ALERT = "alert"
    KEYS = "keys"
    BATCH = "batch"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Undelivered:
    """One thing that waits. `content` is what the target should have got, `target` its ARN or name."""

    id: str
    kind: Kind
    since: datetime
    reason: str
    target: str
    content: Any
    receipt: str = ""

    def as_json(self) -> dict[str, Any]:
        """Without the content, which can hold personal data."""
        return {
            "id": self.id, "kind": self.kind.value, "since": self.since, "reason": self.reason, "target": self.target,
        }  # fmt: skip


def undelivered(deployment: Deployment, ids: list[str] | None = None) -> list[Undelivered]:
    """All that waits, or what `ids` name, the oldest first. Raises UsageError for an id that nothing has.

    SQS hides the messages from others until `release` or `forget`.
    """
    waiting = sorted([*_messages(deployment), *_batches(deployment)], key=lambda each: each.since)
    if not ids:
        return waiting
    if unknown := sorted(set(ids) - {each.id for each in waiting}):
        release(deployment, waiting)
        raise UsageError(f"nothing undelivered has the id {unknown[0]}; `c360 undelivered list` names all that waits")
    release(deployment, [each for each in waiting if each.id not in ids])
    return [each for each in waiting if each.id in ids]


def release(deployment: Deployment, looked_at: list[Undelivered]) -> None:
    """Let others see the messages again, at once."""
    for each in looked_at:
        if each.receipt:
            deployment.queues.change_message_visibility(
                QueueUrl=deployment.stack_outputs[QUEUE], ReceiptHandle=each.receipt, VisibilityTimeout=0
            )


def forget(deployment: Deployment, each: Undelivered) -> None:
    """Remove it for good."""
    outputs = deployment.stack_outputs
    if each.receipt:
        deployment.queues.delete_message(QueueUrl=outputs[QUEUE], ReceiptHandle=each.receipt)
    else:
        deployment.s3.delete_object(Bucket=outputs[BUCKET], Key=each.id)


def replay(deployment: Deployment, each: Undelivered) -> str:
    """Give the target what it did not get, then forget it; returns what was done.

    Interrupted in between and done again, a start makes no second load, an end is recorded once and events are counted
    once; only an alert may come twice. Raises CliError, or botocore's ClientError, and keeps it.
    """
    match each.kind:
        case Kind.START:
            done = _start(deployment, each)
        case Kind.END:
            _invoke(deployment, each)
            done = "the end is recorded"
        case Kind.KEYS:
            _invoke(deployment, each)
            done = "the issuer's keys are copied"
        case Kind.ALERT:
            deployment.alerts.publish(TopicArn=each.target, Subject="Customer 360 (replayed)", Message=each.content)
            done = "the alert is sent"
        case Kind.BATCH:
            failures = (_invoke(deployment, each) or {}).get("batchItemFailures") or []
            if failures:
                raise FunctionFailedError(
                    f"{len(failures)} of the batch's events could not be stored: c360 logs stream"
                )
            done = "the batch is stored"
        case Kind.UNKNOWN:
            raise CliError("this is nothing that the platform sends: look at it in the queue, then drop it")
    forget(deployment, each)
    return done


def _start(deployment: Deployment, each: Undelivered) -> str:
    name = f"undelivered-{each.id}"
    try:
        deployment.step_functions.start_execution(
            stateMachineArn=each.target, name=name, input=json.dumps(each.content)
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ExecutionAlreadyExists":
            raise
        return f"the load {name} was started before"
    return f"the load {name} is started"


def _invoke(deployment: Deployment, each: Undelivered) -> Any:
    answer = deployment.functions.invoke(FunctionName=each.target, Payload=json.dumps(each.content).encode())
    payload = json.loads(answer["Payload"].read() or b"null")
    if answer.get("FunctionError"):
        raise FunctionFailedError((payload or {}).get("errorMessage") or "the function failed: see `c360 logs`")
    return payload


def _messages(deployment: Deployment) -> Iterator[Undelivered]:
    url = deployment.stack_outputs.get(QUEUE)
    seen: set[str] = set()
    while url:
        received = deployment.queues.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_LOOK_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        new = [each for each in received.get("Messages", []) if each["MessageId"] not in seen]
        if not new:
            return
        seen |= {each["MessageId"] for each in new}
        yield from map(message, new)


def message(received: "MessageTypeDef") -> Undelivered:
    """What a message of the queue is: EventBridge says in attributes for whom it was and why it failed, a function's
    destination in the message itself ("Using dead-letter queues", "Adding a destination", AWS's guides)."""
    attributes = {name: value.get("StringValue", "") for name, value in received.get("MessageAttributes", {}).items()}
    text = received["Body"]
    content = _json(text)
    target, reason = attributes.get("TARGET_ARN", ""), attributes.get("ERROR_MESSAGE") or attributes.get("ERROR_CODE")
    kind = Kind.UNKNOWN
    is_object = isinstance(content, dict)
    if is_object and "requestPayload" in content:
        kind, target = Kind.END, content["requestContext"]["functionArn"].removesuffix(":$LATEST")
        reason = (content.get("responsePayload") or {}).get("errorMessage") or content["requestContext"]["condition"]
        content = content["requestPayload"]
    elif ":states:" in target:
        kind = Kind.START
        # the rule's input is fixed: an event of S3 or of the clock stands for it
        content = content if is_object and "detail-type" not in content else {"files": []}
    elif ":lambda:" in target and is_object:
        # of the functions that rules call, the clock calls the one that copies keys
        kind = Kind.KEYS if content.get("detail-type") == "Scheduled Event" else Kind.END
    elif ":sns:" in target:
        kind, content = Kind.ALERT, _alert(content, text)
    return Undelivered(
        id=received["MessageId"],
        kind=kind,
        since=datetime.fromtimestamp(int(received["Attributes"]["SentTimestamp"]) / 1000, UTC),
        reason=reason or "not said",
        target=target,
        content=content,
        receipt=received["ReceiptHandle"],
    )


def _alert(content: Any, text: str) -> str:
    """The text that EventBridge wrote; of a plain event, what there is to say about it."""
    if isinstance(content, str):
        return content
    detail = content.get("detail") if isinstance(content, dict) else None
    if not isinstance(detail, dict):
        return text
    if "object" in detail:
        return f"Customer 360: a batch of the clickstream was given up, {detail['object'].get('key')}. {_WAITS}"
    if "name" in detail:
        return f"Customer 360: the load {detail['name']} ended as {detail.get('status')}. See c360 runs."
    return text


def _batches(deployment: Deployment) -> Iterator[Undelivered]:
    bucket = deployment.stack_outputs.get(BUCKET)
    if bucket is None:
        return
    for page in deployment.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            held = _json(deployment.s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read().decode())
            payload = held.get("payload") if isinstance(held, dict) else None
            # Lambda writes what it had sent as JSON within JSON ("Capturing discarded batches")
            content = _json(payload) if isinstance(payload, str) else payload
            known = isinstance(content, dict) and "records" in content
            yield Undelivered(
                id=found["Key"],
                kind=Kind.BATCH if known else Kind.UNKNOWN,
                since=found["LastModified"],
                reason=(held.get("requestContext") or {}).get("condition", "not said") if known else "not a batch",
                target=deployment.stack_outputs.get("StreamFunctionName", ""),
                content=content,
            )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
