"""The load's state machine, as it is synthesized, runs on LocalStack: with a function that does as it is told.

Failures of AWS's edge are made to happen here: throttled invocations, answers that are lost, functions that end or run
out of time.
"""

import json
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.deployment.aws import client
from tests.support.lambda_function import LambdaFunction
from tests.support.synthesis import synthesize

# A line of the log is an invocation. `script`: what a step does in its first invocation, its second, and so on.
SOURCE = """
    import json, os, time

    class LandingUnavailableError(Exception):
        pass

    ANSWERS = json.loads(os.environ["ANSWERS"])
    SCRIPT = json.loads(os.environ["SCRIPT"])
    IN_CALLS = ("hubs", "links", "satellites", "check_vault", "export")

    def handle(event, context):
        with open(os.environ["LOG"], "a") as log:
            log.write(json.dumps(event) + "\\n")
        with open(os.environ["LOG"]) as log:
            mine = [each for each in map(json.loads, log) if said(each) == said(event)]
        todo = SCRIPT.get(said(event), [])
        what = todo[len(mine) - 1] if len(mine) <= len(todo) else "answer"
        if what == "unavailable":
            raise LandingUnavailableError("S3 answers 503 Slow Down")
        if what == "lost":  # all is done, and nobody hears of it
            os._exit(1)
        if what == "slow":
            time.sleep(10)
        step = event.get("step", "export")
        answer = ANSWERS.get(step, {})
        return answer | {"is_done": what != "more"} if step in IN_CALLS else answer

    def said(event):
        return event.get("step", "export") + (f"-{event['object_id']}" if "object_id" in event else "")
"""
BUCKET = "manifests-of-runs"


@dataclass(frozen=True)
class Ran:
    """An execution that has ended: its status, its error, and the events that the function got."""

    status: str
    error: str | None
    events: list[dict[str, Any]]

    @property
    def steps(self) -> Counter[str]:
        """How often each step was invoked."""
        return Counter(event.get("step", "export") for event in self.events)


type Run = Callable[..., Ran]


def plan(files: int, *, large: int = 0, are_many: bool = False) -> dict[str, Any]:
    """What the step `plan` answers; `are_many`: the items are in manifests."""
    items = [{"object_id": number, "part": 0} for number in range(files)]
    large_items = [{"object_id": number} for number in range(large)]
    return {
        "run_id": "run",
        "bucket": BUCKET,
        "file_count": files,
        "are_retractions_due": False,
        "are_many_files": are_many,
        "files": [] if are_many else items,
        "files_manifest": "manifests/run/files.json" if are_many else "",
        "large_count": large,
        "are_many_large": are_many and large > 0,
        "large": [] if are_many else large_items,
        "large_manifest": "manifests/run/large.json" if are_many else "",
    }


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("machine") / "cdk.out"
    synthesis = synthesize(folder, target="localstack", database_host="127.0.0.1", schedule="disabled", lake="enabled")
    return json.dumps(synthesis.state_machine())


@pytest.fixture
def run(localstack: str, definition: str, tmp_path: Path) -> Run:
    """Run the state machine with a function that answers, and fails, as it is told."""
    states = client("stepfunctions", localstack)

    def run(
        planned: dict[str, Any], during: Callable[[LambdaFunction], None] | None = None, **script: list[str]
    ) -> Ran:
        log = tmp_path / f"{uuid.uuid4().hex}.log"
        log.touch()
        answers = {"plan": planned, "parts": planned, "finish": {"held": 0}, "retention": {"stores": []}}
        answers["export"] = {"rows": {}, "tables": []}
        told = {step.replace("__", "-"): todo for step, todo in script.items()}
        function = LambdaFunction(
            localstack, SOURCE, timeout=3, LOG=str(log), ANSWERS=json.dumps(answers), SCRIPT=json.dumps(told)
        )
        machine = json.loads(definition)
        text = json.dumps(machine).replace("arn:AWS::Partition:", "arn:aws:")
        for name in {
            each["Parameters"]["FunctionName"] for each in _tasks(machine) if "FunctionName" in each["Parameters"]
        }:
            text = text.replace(json.dumps(name), json.dumps(function.arn))
        arn = states.create_state_machine(
            name=f"load-{uuid.uuid4().hex[:8]}", definition=text, roleArn="arn:aws:iam::000000000000:role/test"
        )["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
        if during is not None:
            during(function)
        for _ in range(600):
            described = states.describe_execution(executionArn=execution)
            if described["status"] != "RUNNING":
                break
            time.sleep(0.2)
        events = [json.loads(line) for line in log.read_text().splitlines()]
        return Ran(described["status"], described.get("error"), events)

    return run


def _tasks(machine: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for state in machine["States"].values():
        if state["Type"] == "Task":
            found.append(state)
        for inner in [*state.get("Branches", []), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            found += _tasks(inner)
    return found


def test_a_step_that_takes_long_is_called_until_nothing_is_left_to_do(run: Run) -> None:
    ran = run(plan(1), hubs=["more", "more"], links=["more"], check_vault=["more", "lost", "more"], export=["more"])
    assert (ran.status, ran.error) == ("SUCCEEDED", None)
    steps = [event.get("step", "export") for event in ran.events]
    assert steps[:3] == ["plan", "stage", "check_staging"]
    assert ran.steps["hubs"] == 3
    assert ran.steps["links"] == 2
    assert ran.steps["satellites"] == 1
    after = steps[steps.index("check_vault") :]
    assert after == [*["check_vault"] * 4, "publish", "finish", "retention", "export", "export"]


def test_very_many_files_are_staged_by_children_of_the_execution(localstack: str, run: Run) -> None:
    s3 = client("s3", localstack)
    s3.create_bucket(Bucket=BUCKET)
    planned = plan(60, large=3, are_many=True)
    files = [{"object_id": number, "part": number % 2} for number in range(60)]
    s3.put_object(Bucket=BUCKET, Key="manifests/run/files.json", Body=json.dumps(files).encode())
    large = [{"object_id": number} for number in range(3)]
    s3.put_object(Bucket=BUCKET, Key="manifests/run/large.json", Body=json.dumps(large).encode())
    ran = run(planned, stage__7=["lost", "lost", "lost", "lost"], stage__8=["unavailable"])
    assert (ran.status, ran.error) == ("SUCCEEDED", None)
    [run_id] = {event["run_id"] for event in ran.events}
    staged = {(event["object_id"], event["part"]) for event in ran.events if event.get("step") == "stage"}
    assert staged == {(each["object_id"], each["part"]) for each in files}
    assert {event["object_id"] for event in ran.events if event.get("step") == "split"} == {0, 1, 2}
    assert [event["object_id"] for event in ran.events if event.get("step") == "give_up"] == [7]
    assert ran.steps["stage"] == 60 + 3 + 1
    assert run_id


def test_throttled_invocations_are_waited_out(run: Run) -> None:
    def throttle(function: LambdaFunction) -> None:
        function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=0)
        time.sleep(5)
        function.client.delete_function_concurrency(FunctionName=function.name)

    ran = run(plan(2), during=throttle)
    assert (ran.status, ran.error) == ("SUCCEEDED", None)
    assert ran.steps["stage"] == 2


def test_a_step_whose_answer_is_lost_is_invoked_again(run: Run) -> None:
    ran = run(plan(1), plan=["lost"], hubs=["lost", "more", "lost"], finish=["lost"])
    assert (ran.status, ran.error) == ("SUCCEEDED", None)
    assert ran.steps["plan"] == 2
    assert ran.steps["hubs"] == 4
    assert ran.steps["finish"] == 2


def test_a_step_that_runs_out_of_time_is_invoked_again_and_then_fails_the_run(run: Run) -> None:
    ran = run(plan(1), hubs=["slow"], check_vault=["slow"] * 4)
    assert ran.status == "FAILED"
    assert ran.error == "Sandbox.Timedout"
    assert ran.steps["hubs"] == 2
    assert ran.steps["check_vault"] == 4
