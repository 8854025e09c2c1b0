"""The state machine's job is done by a worker that asks for it: on LocalStack, with a Spark that does as it is told."""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from local.deployment.aws import client
from local.errors import LocalError
from local.spark.worker import Worker

BUCKET = "warehouse-of-worker"
URI = f"s3://{BUCKET}/jobs/run-1/first"


@pytest.fixture
def s3(localstack: str) -> Any:
    s3 = client("s3", localstack)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="jobs/run-1/first/job.json", Body=json.dumps({"scratch": URI}).encode())
    s3.put_object(Bucket=BUCKET, Key="jobs/run-1/first/typed_customers.json", Body=b'{"customer_id":"C1"}\n')
    return s3


def _asked(localstack: str, s3: Any, folder: Path) -> tuple[Worker, str]:
    """A worker, and an execution that waits for its job."""
    states = client("stepfunctions", localstack)
    activity = states.create_activity(name=f"jobs-{uuid.uuid4().hex[:8]}")["activityArn"]
    state = {"Type": "Task", "Resource": activity, "TimeoutSeconds": 60, "HeartbeatSeconds": 30, "End": True}
    definition = {"StartAt": "LoadVault", "States": {"LoadVault": state}}
    machine = states.create_state_machine(
        name=f"load-{uuid.uuid4().hex[:8]}",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::000000000000:role/test",
    )["stateMachineArn"]
    asked = json.dumps({"run_id": "run-1", "job": URI})
    execution = states.start_execution(stateMachineArn=machine, input=asked)["executionArn"]
    return Worker(states, s3, activity, folder), execution


def _ended(localstack: str, execution: str) -> dict[str, Any]:
    states = client("stepfunctions", localstack)
    for _ in range(300):
        described: dict[str, Any] = states.describe_execution(executionArn=execution)
        if described["status"] != "RUNNING":
            return described
        time.sleep(0.1)
    raise AssertionError("the execution goes on")


def test_a_job_is_brought_done_and_brought_back(
    localstack: str, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, execution = _asked(localstack, s3, tmp_path)

    def spark(folder: Path) -> None:
        assert json.loads((folder / "job.json").read_text()) == {"scratch": str(folder)}, "its files are here"
        assert (folder / "typed_customers.json").read_text() == '{"customer_id":"C1"}\n'
        (folder / "appended" / "hub_customer").mkdir(parents=True)
        (folder / "appended" / "hub_customer" / "part-0.txt").write_text("a line\n")
        (folder / "appended" / "hub_customer" / "_SUCCESS").write_text("")
        (folder / "result.json").write_text('{"snapshots": {}}')

    monkeypatch.setattr(worker._spark, "run_folder", spark)
    while not worker.work():
        pass
    assert _ended(localstack, execution)["status"] == "SUCCEEDED"
    found = {each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET)["Contents"]}
    assert found == {
        f"jobs/run-1/first/{name}"
        for name in ("job.json", "typed_customers.json", "result.json", "appended/hub_customer/part-0.txt")
    }
    assert not [*(tmp_path / "jobs").iterdir()], "customers' rows are not left on the disk"


def test_a_job_that_fails_fails_the_state_with_sparks_words(
    localstack: str, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, execution = _asked(localstack, s3, tmp_path)

    def spark(_folder: Path) -> None:
        raise LocalError("spark-submit failed; see spark.log.", "TableStateError: table hub_customer was changed")

    monkeypatch.setattr(worker._spark, "run_folder", spark)
    while not worker.work():
        pass
    ended = _ended(localstack, execution)
    assert (ended["status"], ended["error"]) == ("FAILED", "SparkFailed")
    assert "table hub_customer was changed" in ended["cause"]
