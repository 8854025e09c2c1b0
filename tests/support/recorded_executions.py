"""Executions that a real LocalStack recorded, and a Step Functions client that plays them back."""

import copy
import json
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from mypy_boto3_stepfunctions import SFNClient

_FOLDER = Path(__file__).parent / "histories"


def recording(name: str) -> dict[str, Any]:
    """`describe_execution` and `get_execution_history` of a run: "succeeded", "failed" or "aborted".

    In each, three files are staged and the first attempt at one of them met a deadlock.
    """
    with (_FOLDER / f"{name}.json").open() as stream:
        recorded: dict[str, Any] = json.load(stream)
    for event in recorded["get_execution_history"]["events"]:
        event["timestamp"] = datetime.fromisoformat(event["timestamp"])
    for date in ("startDate", "stopDate"):
        recorded["describe_execution"][date] = datetime.fromisoformat(recorded["describe_execution"][date])
    return recorded


class RecordedStepFunctions:
    """Plays a recording back: each look at the history finds `pace` events more, in pages of `page` events.

    With `mute`, the event that ends the execution is never written. Counts the looks, and keeps what was started.
    """

    def __init__(self, name: str, *, pace: int = 7, page: int = 1000, mute: bool = False) -> None:
        recorded = recording(name)
        self._described = recorded["describe_execution"]
        self._events = recorded["get_execution_history"]["events"][: -1 if mute else None]
        self._visible = 0
        self._pace, self._page = pace, page
        self.looks = 0
        self.events_sent = 0
        self.started: list[dict[str, Any]] = []

    @property
    def client(self) -> SFNClient:
        return cast(SFNClient, self)

    @property
    def arn(self) -> str:
        return str(self._described["executionArn"])

    @property
    def state_machine_arn(self) -> str:
        return str(self._described["stateMachineArn"])

    def start_execution(self, **request: Any) -> dict[str, Any]:
        self.started.append(request)
        return {"executionArn": self.arn}

    def get_execution_history(self, *, nextToken: str = "0", **_: Any) -> dict[str, Any]:  # noqa: N803
        first = int(nextToken)
        if first + self._page >= self._visible:
            self._visible = min(len(self._events), self._visible + self._pace)
            self.looks += 1
        page = copy.deepcopy(self._events[first : min(first + self._page, self._visible)])
        self.events_sent += len(page)
        more = first + self._page < self._visible
        return {"events": page} | ({"nextToken": str(first + self._page)} if more else {})

    def describe_execution(self, **_: Any) -> dict[str, Any]:
        recorded = dict(self._described)
        if self._visible < len(self._events):
            recorded |= {"status": "RUNNING", "stopDate": None}
        return recorded
