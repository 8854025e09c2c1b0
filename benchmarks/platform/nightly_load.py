"""Seconds of the nightly load through Step Functions and Lambda: first load, the same rows a day later, an empty night.

The figures are of the executions, from their start to their end.
"""

import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.running_platform import client
from cli.sample import SampleShape, generate
from infra.outputs import Outputs

EMPTY_NIGHTS = 5


@dataclass(frozen=True)
class Night:
    """One execution: what it loaded, its seconds, and the seconds of each state."""

    name: str
    rows: int
    seconds: float
    states: dict[str, float]


def measure(outputs: Outputs, folder: Path) -> list[Night]:
    """Load the default sample, load it again as of the next day, then nothing."""
    sample = generate(SampleShape(), folder / "sample")
    rows = sum(file.rows for file in sample.files)
    nights = []
    for day, name in (("2026-11-01", "first load, cold functions"), ("2026-11-02", "the same rows a day later")):
        _drop(outputs, folder / "sample", day)
        nights.append(_run(outputs, name, rows))
    empty = [_run(outputs, "an empty night", 0) for _ in range(EMPTY_NIGHTS)]
    nights.append(sorted(empty, key=lambda night: night.seconds)[len(empty) // 2])
    return nights


def table(nights: list[Night]) -> str:
    """The nights as text."""
    lines = [f"{'nightly load':32} {'rows':>9} {'seconds':>8} {'rows/s':>9}"]
    for night in nights:
        rate = f"{night.rows / night.seconds:,.0f}" if night.rows else ""
        lines.append(f"{night.name:32} {night.rows:>9,} {night.seconds:>8.2f} {rate:>9}")
        if night.rows:
            lines.append("    " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in night.states.items()))
    return "\n".join(lines)


def _drop(outputs: Outputs, folder: Path, day: str) -> None:
    for name in ("customers", "products", "transactions"):
        key = f"landing/{name}/dt={day}/{name}.csv"
        client(outputs, "s3").upload_file(str(folder / f"{name}.csv"), outputs.landing_bucket, key)


def _run(outputs: Outputs, name: str, rows: int) -> Night:
    states = client(outputs, "stepfunctions")
    execution = states.start_execution(
        stateMachineArn=outputs.state_machine_arn, name=f"bench-{uuid.uuid4().hex[:8]}", input="{}"
    )["executionArn"]
    while (run := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.1)
    if run["status"] != "SUCCEEDED":
        raise SystemExit(f"the run ended as {run['status']}: {run.get('cause')}")
    read = json.loads(run["output"])["totals"]["rows_read"]
    if read != rows:
        raise SystemExit(f"the run read {read} rows, not {rows}")
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    events = [event for page in pages for event in page["events"]]
    return Night(name, rows, (run["stopDate"] - run["startDate"]).total_seconds(), _seconds_by_state(events))


def _seconds_by_state(events: list[dict[str, Any]]) -> dict[str, float]:
    entered: dict[str, float] = {}
    left: dict[str, float] = {}
    for event in events:
        at = event["timestamp"].timestamp()
        if "stateEnteredEventDetails" in event:
            entered.setdefault(event["stateEnteredEventDetails"]["name"], at)
        elif "stateExitedEventDetails" in event:
            left[event["stateExitedEventDetails"]["name"]] = at
    return {name: left[name] - entered[name] for name in entered if name in left and left[name] - entered[name] > 0.05}
