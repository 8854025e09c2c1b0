"""What an execution has done so far, read from its Step Functions history.

Event types and details: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import HistoryEventTypeDef

type StateStatus = Literal["running", "succeeded", "failed"]

_QUIET_STATES = frozenset({"ChoiceStateEntered", "PassStateEntered", "SucceedStateEntered", "FailStateEntered"})
_ATTEMPT_FAILED = {
    "TaskFailed": "taskFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
    "TaskSubmitFailed": "taskSubmitFailedEventDetails",
    "LambdaFunctionFailed": "lambdaFunctionFailedEventDetails",
    "LambdaFunctionTimedOut": "lambdaFunctionTimedOutEventDetails",
}
_ENDINGS = {
    "ExecutionSucceeded": "executionSucceededEventDetails",
    "ExecutionFailed": "executionFailedEventDetails",
    "ExecutionTimedOut": "executionTimedOutEventDetails",
    "ExecutionAborted": "executionAbortedEventDetails",
}


@dataclass
class StateProgress:
    """One state of the state machine. A state that a Map runs several times is one entry with several visits."""

    name: str
    started: datetime
    entered: int = 0
    exited: int = 0
    failed_attempts: int = 0
    last_error: str | None = None
    finished: datetime | None = None
    status: StateStatus = "running"

    @property
    def seconds(self) -> float | None:
        """From the first visit's begin to the last visit's end; None while it is running."""
        return (self.finished - self.started).total_seconds() if self.finished else None


@dataclass
class History:
    """The states seen so far, in order of their first visit, and how the execution ended."""

    states: dict[str, StateProgress] = field(default_factory=dict)
    ended: bool = False
    error: str | None = None
    cause: str | None = None
    _last_event: int = 0
    _state_of: dict[int, str] = field(default_factory=dict)

    def add(self, events: Iterable["HistoryEventTypeDef"]) -> list[StateProgress]:
        """Take in events, those seen before included. Returns the states that changed, each once."""
        changed: dict[str, StateProgress] = {}
        for event in events:
            if event["id"] <= self._last_event:
                continue
            self._last_event = event["id"]
            state = self._take(event)
            if state:
                changed[state.name] = state
        return list(changed.values())

    def _take(self, event: "HistoryEventTypeDef") -> StateProgress | None:
        kind = event["type"]
        previous = self._state_of.get(event.get("previousEventId", 0))
        if previous:
            self._state_of[event["id"]] = previous
        if kind in _ENDINGS:
            return self._end(event)
        if kind in _QUIET_STATES:
            return None
        if kind.endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            self._state_of[event["id"]] = name
            state = self.states.setdefault(name, StateProgress(name, event["timestamp"]))
            state.entered += 1
            state.status, state.finished = "running", None
            return state
        if kind.endswith("StateExited"):
            return self._exit(event)
        if kind in _ATTEMPT_FAILED and previous:
            state = self.states[previous]
            state.failed_attempts += 1
            details = event.get(_ATTEMPT_FAILED[kind], {})
            state.last_error = str(details.get("error")) if isinstance(details, dict) else None
            return state
        return None

    def _exit(self, event: "HistoryEventTypeDef") -> StateProgress | None:
        state = self.states.get(event["stateExitedEventDetails"]["name"])
        if state is None:
            return None
        state.exited += 1
        if state.exited == state.entered:
            state.status, state.finished = "succeeded", event["timestamp"]
        return state

    def _end(self, event: "HistoryEventTypeDef") -> StateProgress | None:
        self.ended = True
        details = event.get(_ENDINGS[event["type"]], {})
        if isinstance(details, dict):
            self.error = details.get("error")
            self.cause = details.get("cause")
        failed = None
        for state in self.states.values():
            if state.status == "running":
                state.status, state.finished, failed = "failed", event["timestamp"], state
        return failed
