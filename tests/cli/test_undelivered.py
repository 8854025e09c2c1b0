"""What waits in the queue is read as AWS writes it; what fails again waits on."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from cli.deployment import Deployment
from cli.undelivered import Kind, message
from local.deployment.aws import REGION
from tests.support.command_line import C360

STATES = f"arn:aws:states:{REGION}:123456789012:stateMachine:Load"
FUNCTION = f"arn:aws:lambda:{REGION}:123456789012:function:RecordStatus"
KEYS = f"arn:aws:lambda:{REGION}:123456789012:function:RefreshKeys"
CLOCK = {"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
GIVEN_UP = {"detail-type": "Object Created", "detail": {"object": {"key": "aws/lambda/1.json"}}}
ENDED = {"detail-type": "Step Functions Execution Status Change", "detail": {"name": "run-1", "status": "FAILED"}}


def received(body: str, target: str = "", error: str = "") -> Any:
    """A message as `receive_message` returns it."""
    attributes = {"TARGET_ARN": target, "ERROR_MESSAGE": error}
    return {
        "MessageId": "m-1",
        "ReceiptHandle": "handle",
        "Body": body,
        "Attributes": {"SentTimestamp": "1796000000000"},
        "MessageAttributes": {
            name: {"StringValue": value, "DataType": "String"} for name, value in attributes.items() if value
        },
    }


FROM_A_DESTINATION = {
    "version": "1.0",
    "timestamp": "2026-11-30T00:05:00Z",
    "requestContext": {
        "requestId": "e4b46cbf",
        "functionArn": f"{FUNCTION}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": ENDED,
    "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    "responsePayload": {"errorMessage": "PostgreSQL does not answer", "errorType": "DatabaseUnavailableError"},
}
"""AWS Lambda guide, "Capturing records of Lambda asynchronous invocations"."""


@pytest.mark.parametrize(
    ("given", "kind", "target", "content"),
    [
        (received('{"files": []}', STATES), Kind.START, STATES, {"files": []}),
        (received(json.dumps({"detail-type": "Scheduled Event"}), STATES), Kind.START, STATES, {"files": []}),
        (received(json.dumps(ENDED), FUNCTION), Kind.END, FUNCTION, ENDED),
        (received(json.dumps(CLOCK), KEYS), Kind.KEYS, KEYS, CLOCK),
        (received(json.dumps(FROM_A_DESTINATION)), Kind.END, FUNCTION, ENDED),
        (received("The load failed.", "arn:aws:sns:x:1:t"), Kind.ALERT, "arn:aws:sns:x:1:t", "The load failed."),
        (
            received(json.dumps(ENDED), "arn:aws:sns:x:1:t"),
            Kind.ALERT,
            "arn:aws:sns:x:1:t",
            "Customer 360: the load run-1 ended as FAILED. See c360 runs.",
        ),
        (
            received(json.dumps(GIVEN_UP), "arn:aws:sns:x:1:t"),
            Kind.ALERT,
            "arn:aws:sns:x:1:t",
            "Customer 360: a batch of the clickstream was given up, aws/lambda/1.json. See c360 undelivered list.",
        ),
        (received("{}"), Kind.UNKNOWN, "", {}),
    ],
)
def test_a_message_is_what_aws_wrote(given: Any, kind: Kind, target: str, content: Any) -> None:
    found = message(given)
    assert (found.kind, found.target, found.content) == (kind, target, content)


def test_the_reason_is_the_functions_own_or_eventbridges() -> None:
    assert message(received(json.dumps(FROM_A_DESTINATION))).reason == "PostgreSQL does not answer"
    assert message(received("{}", STATES, "Rate exceeded")).reason == "Rate exceeded"


@pytest.fixture
def queue(deploy: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Deployment, str]]:
    """A deployment whose only undelivered queue is moto's."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        deployment = deploy(aws_endpoint_url=None)
        deployment.__dict__["queues"] = client = boto3.client("sqs", region_name=REGION)
        url = client.create_queue(QueueName="undelivered")["QueueUrl"]
        deployment.__dict__["stack_outputs"] = {"UndeliveredQueueUrl": url}
        yield deployment, url


def test_what_cannot_be_delivered_waits_on_and_fails_the_command(c360: C360, queue: tuple[Deployment, str]) -> None:
    deployment, url = queue
    deployment.queues.send_message(QueueUrl=url, MessageBody="nothing of ours")
    done = c360("undelivered", "replay", "--json")
    assert done.status == 1
    assert done.json["done"] == []
    assert "nothing that the platform sends" in done.json["failed"][0]["error"]
    [waiting] = c360("undelivered", "list", "--json").json["undelivered"]
    assert waiting["kind"] == "unknown"
    assert c360("undelivered", "drop", waiting["id"], "--json").json["done"][0]["outcome"] == "dropped"
    assert c360("undelivered", "list", "--json").json == {"undelivered": [], "dead_letters": 0}
    assert "everything was delivered" in c360("undelivered", "replay").stdout


def test_an_id_that_nothing_has_is_refused_and_hides_nothing(c360: C360, queue: tuple[Deployment, str]) -> None:
    deployment, url = queue
    deployment.queues.send_message(QueueUrl=url, MessageBody="one")
    done = c360("undelivered", "drop", "other")
    assert (done.status, "nothing undelivered has the id other" in done.stderr) == (2, True)
    assert len(c360("undelivered", "list", "--json").json["undelivered"]) == 1


def test_more_than_one_page_of_messages_is_listed(c360: C360, queue: tuple[Deployment, str]) -> None:
    deployment, url = queue
    for n in range(23):
        deployment.queues.send_message(QueueUrl=url, MessageBody=f"{n}")
    assert len(c360("undelivered", "list", "--json").json["undelivered"]) == 23
