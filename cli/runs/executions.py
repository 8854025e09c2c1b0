"""Starting executions of the nightly load and following them to their end."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cli.errors import RunTimeoutError, UsageError
from cli.runs.execution_history import History, StateProgress

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_stepfunctions.type_defs import GetExecutionHistoryInputTypeDef, HistoryEventTypeDef

_PAGE = 1000
_QUIET_LOOKS = 10
"""After this many looks at a history that does not grow, ask for the status too: its end may never be written."""
_LANDING = "landing/"

type Watch = Callable[[History, list[StateProgress]], None]
"""Called after each look at the history: all of it, and the states that changed since the last look."""


@dataclass(frozen=True)
class Execution:
    """An execution at one moment. `seconds` is stopDate - startDate, None while it is running."""

    arn: str
    status: str
    started: datetime
    stopped: datetime | None
    input: str
    output: dict[str, Any]
    error: str | None
    cause: str | None

    @property
    def run_id(self) -> str:
        return self.arn.rpartition(":")[2]

    @property
    def seconds(self) -> float | None:
        return round((self.stopped - self.started).total_seconds(), 3) if self.stopped else None


def new_name(now: datetime | None = None) -> str:
    """A readable name that no other execution has: run-20261122T231455Z-ab12cd."""
    return f"run-{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def execution_input(keys: Sequence[str], bucket: str, **more: object) -> str:
    """The input of an execution that loads these landing keys, or all that is waiting when there are none.

    `more`: other fields of the input (`from` and `to`, days; `accept_deletions`), left out where they say nothing.

    Raises UsageError for what is not a landing key; `s3://<bucket>/` before it is understood.
    """
    plain = [key.removeprefix(f"s3://{bucket}/") for key in keys]
    for key in plain:
        if not key.startswith(_LANDING):
            raise UsageError(f"--file {key}: give the object's whole key, which begins with {_LANDING}")
    return json.dumps({name: value for name, value in {"files": plain, **more}.items() if value})


def start(client: "SFNClient", state_machine_arn: str, execution_input: str) -> str:
    """Start an execution and return its ARN."""
    return client.start_execution(stateMachineArn=state_machine_arn, name=new_name(), input=execution_input)[
        "executionArn"
    ]


def execution_arn(state_machine_arn: str, run_id: str) -> str:
    """The ARN of the execution named `run_id` (an ARN is taken as it is)."""
    if run_id.startswith("arn:"):
        return run_id
    return f"{state_machine_arn.replace(':stateMachine:', ':execution:')}:{run_id}"


def find(client: "SFNClient", state_machine_arn: str, run_id: str) -> Execution:
    """The execution named `run_id`. Raises UsageError when there is none."""
    try:
        return describe(client, execution_arn(state_machine_arn, run_id))
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in ("ExecutionDoesNotExist", "InvalidArn"):
            raise
        raise UsageError(f"there is no run {run_id}: `c360 runs` lists them", run_id=run_id) from error


def describe(client: "SFNClient", arn: str) -> Execution:
    """How the execution stands now."""
    answer = client.describe_execution(executionArn=arn)
    try:
        output = json.loads(answer.get("output") or "{}")
    except ValueError:
        output = {}
    return Execution(
        arn,
        answer["status"],
        answer["startDate"],
        answer.get("stopDate"),
        answer.get("input") or "{}",
        output if isinstance(output, dict) else {},
        answer.get("error"),
        answer.get("cause"),
    )


def follow(
    client: "SFNClient",
    arn: str,
    watch: Watch,
    *,
    every: float,
    timeout: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Execution, History]:
    """Look at the history `every` so many seconds until the execution has ended; `watch` is called after each look.

    A history grows at its end only, so a look reads from the last page on. Raises RunTimeoutError after `timeout`
    seconds; the execution goes on.
    """
    history, page, quiet = History(), None, 0
    began = clock()
    while True:
        page, changed = _read(client, arn, history, page)
        watch(history, changed)
        quiet = 0 if changed else quiet + 1
        if history.ended or quiet % _QUIET_LOOKS == _QUIET_LOOKS - 1:
            execution = describe(client, arn)
            if execution.stopped:
                return execution, history
        if timeout is not None and clock() - began >= timeout:
            raise RunTimeoutError(
                f"the run goes on after {timeout:g} s of watching: `c360 runs` shows how it ends",
                run_id=arn.rpartition(":")[2],
            )
        sleep(every)


def _read(client: "SFNClient", arn: str, history: History, page: str | None) -> tuple[str | None, list[StateProgress]]:
    """Read from `page` to the end; returns the last page's token, where the next look begins."""
    changed: dict[str, StateProgress] = {}
    while True:
        request: GetExecutionHistoryInputTypeDef = {
            "executionArn": arn,
            "maxResults": _PAGE,
            "includeExecutionData": False,
        }
        if page:
            request["nextToken"] = page
        answer = client.get_execution_history(**request)
        events: list[HistoryEventTypeDef] = answer["events"]
        for state in history.add(events):
            changed[state.name] = state
        following = answer.get("nextToken")
        if not following:
            return page, list(changed.values())
        page = following


def report_of(execution: Execution) -> dict[str, Any] | None:
    """The report that the last state returned: `files`, `steps`, `totals`. None when the output holds no report."""
    return execution.output if isinstance(execution.output.get("files"), list) else None
