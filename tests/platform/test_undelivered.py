"""What was not delivered is replayed on a running platform: once, however often it is replayed."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from cli import deployment as deployments
from cli.deployment import deployment_of
from cli.main import run_command
from tests.support.platform import Platform

type Command = Callable[..., dict[str, Any]]


@pytest.fixture
def queue(platform: Platform) -> Iterator[str]:
    """The queue that LocalStack's templates lack."""
    client = platform.client("sqs")
    url = client.create_queue(QueueName=f"undelivered-{uuid.uuid4().hex[:8]}")["QueueUrl"]
    yield str(url)
    client.delete_queue(QueueUrl=url)


@pytest.fixture
def c360(
    platform: Platform, queue: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """`c360 ARGUMENTS… --json` on the platform, as if its stack had the queue."""

    def run(*arguments: str) -> dict[str, Any]:
        made = deployment_of(platform.outputs)
        made.__dict__["stack_outputs"] = made.stack_outputs | {"UndeliveredQueueUrl": queue}
        monkeypatch.setattr(deployments, "open_deployment", lambda _target: made)
        capsys.readouterr()
        status = run_command([*arguments, "--json"])
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert "error" not in answer, answer
        return answer | {"status": status}

    return run


def send(platform: Platform, queue: str, body: object, target: str) -> None:
    """A message as EventBridge leaves it."""
    platform.client("sqs").send_message(
        QueueUrl=queue,
        MessageBody=json.dumps(body) if isinstance(body, dict) else body,
        MessageAttributes={"TARGET_ARN": {"StringValue": target, "DataType": "String"}},
    )


def name_of(platform: Platform, part: str) -> str:
    found = platform.client("lambda").get_paginator("list_functions").paginate().build_full_result()["Functions"]
    [arn] = [each["FunctionArn"] for each in found if part in each["FunctionName"]]
    return str(arn)


def test_starts_ends_and_alerts_are_delivered_once(platform: Platform, queue: str, c360: Command) -> None:
    machine, run_id = platform.outputs.state_machine_arn, f"lost-{uuid.uuid4().hex[:8]}"
    now = datetime.now(UTC).isoformat()
    ended = {
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "executionArn": f"{machine.replace(':stateMachine:', ':execution:')}:{run_id}",
            "name": run_id, "status": "FAILED", "startDate": now, "stopDate": now, "error": "Lost", "cause": "a test",
        },
    }  # fmt: skip
    send(platform, queue, {"files": []}, machine)
    send(platform, queue, ended, name_of(platform, "RecordStatus"))
    send(platform, queue, "Customer 360: a load failed.", platform.outputs.alert_topic_arn or "")
    waiting = c360("undelivered", "list")["undelivered"]
    assert sorted(each["kind"] for each in waiting) == ["alert", "end", "start"]
    done = c360("undelivered", "replay")
    assert (done["status"], len(done["done"]), done["failed"]) == (0, 3, [])
    assert c360("undelivered", "list")["undelivered"] == []
    [start] = [each for each in waiting if each["kind"] == "start"]
    arn = f"{machine.replace(':stateMachine:', ':execution:')}:undelivered-{start['id']}"
    assert platform.wait_for_end(arn) == "SUCCEEDED"
    recorded = f"select status, error from metadata.load_run where run_id = '{run_id}'"
    assert platform.rows(recorded)[0][0] == "FAILED"


def test_a_batch_that_was_given_up_is_stored_once(platform: Platform, c360: Command) -> None:
    outputs = deployment_of(platform.outputs).stack_outputs
    bucket, topic = outputs["FailedBatchesBucketName"], outputs["KafkaTopic"]
    event = {
        "event_id": f"given-up-{uuid.uuid4().hex}", "event_type": "click", "customer_id": "GIVEN-UP",
        "timestamp": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    record = {
        "topic": topic, "partition": 0, "offset": 1 << 40, "timestamp": 1_796_000_000_000,
        "timestampType": "CREATE_TIME", "headers": [], "value": base64.b64encode(json.dumps(event).encode()).decode(),
    }  # fmt: skip
    batch = {
        "eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/a/b",
        "bootstrapServers": "b:9098", "records": {f"{topic}-0": [record]},
    }  # fmt: skip
    kept = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "payload": json.dumps(batch)}
    count = f"select count(*) from raw_vault.link_customer_event where event_id = '{event['event_id']}'"
    with ExitStack() as stack:
        for _ in range(2):  # as after a replay that was interrupted before it could remove the object
            key = f"aws/lambda/{topic}-0/{uuid.uuid4().hex}"
            platform.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(kept).encode())
            stack.callback(platform.client("s3").delete_object, Bucket=bucket, Key=key)
            [waiting] = c360("undelivered", "list")["undelivered"]
            assert (waiting["id"], waiting["kind"]) == (key, "batch")
            assert c360("undelivered", "replay", key)["failed"] == []
            assert c360("undelivered", "list")["undelivered"] == []
            assert platform.rows(count) == [(1,)]
