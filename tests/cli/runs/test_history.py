"""Following a run: its states, attempts, times and end, read from recorded histories."""

from collections.abc import Callable

import pytest

from cli.errors import RunTimeoutError
from cli.runs.execution_history import History, StateProgress
from cli.runs.executions import Execution, follow
from tests.support.recorded_executions import RecordedStepFunctions, recording

STATES = [
    "Plan", "StageFiles", "StageFile", "CheckStaging", "LoadHubs",
    "LoadLinksAndSatellites", "LoadLinks", "LoadSatellites", "CheckVault", "PublishMarts", "Finish",
]  # fmt: skip


def _watched(
    played: RecordedStepFunctions, watch: Callable[[History, list[StateProgress]], None] = lambda *_: None
) -> tuple[Execution, History]:
    return follow(played.client, played.arn, watch, every=0, sleep=lambda _: None)


def test_every_state_of_a_run_is_seen_once_in_order_with_its_time() -> None:
    execution, history = _watched(RecordedStepFunctions("succeeded"))
    assert sorted(history.states) == sorted(STATES)
    assert list(history.states)[:5] == STATES[:5]
    assert execution.status == "SUCCEEDED"
    assert execution.seconds is not None
    for state in history.states.values():
        assert state.status == "succeeded"
        assert state.seconds is not None
        assert 0 <= state.seconds <= execution.seconds


def test_a_map_counts_its_files_and_a_retry_is_told() -> None:
    _, history = _watched(RecordedStepFunctions("succeeded"))
    staged = history.states["StageFile"]
    assert (staged.entered, staged.exited) == (3, 3)
    assert (staged.failed_attempts, staged.last_error) == (1, "DatabaseConflictError")
    assert sum(state.failed_attempts for state in history.states.values()) == 1


def test_a_failed_run_names_the_state_the_error_and_the_cause() -> None:
    execution, history = _watched(RecordedStepFunctions("failed"))
    assert execution.status == "FAILED"
    assert [state.name for state in history.states.values() if state.status == "failed"] == ["CheckVault"]
    assert history.error == execution.error == "QualityError"
    assert "98 accounted for" in (history.cause or "")


def test_an_aborted_run_ends_where_it_was() -> None:
    execution, history = _watched(RecordedStepFunctions("aborted"))
    assert execution.status == "ABORTED"
    assert history.states["CheckStaging"].status == "failed"
    assert "LoadHubs" not in history.states


@pytest.mark.parametrize("pace", [1, 3, 1000])
def test_what_is_told_does_not_depend_on_when_one_looks(pace: int) -> None:
    _, slow = _watched(RecordedStepFunctions("succeeded", pace=pace))
    whole = History()
    whole.add(recording("succeeded")["get_execution_history"]["events"])
    assert slow.states == whole.states


def test_events_seen_before_change_nothing() -> None:
    events = recording("succeeded")["get_execution_history"]["events"]
    history = History()
    history.add(events[:40])
    assert history.add(events[:40]) == []
    history.add(events)
    assert history.states["StageFile"].entered == 3


def test_a_look_reads_the_last_page_only() -> None:
    played = RecordedStepFunctions("succeeded", pace=5, page=10)
    _, history = _watched(played)
    assert sorted(history.states) == sorted(STATES)
    assert played.events_sent <= played.looks * 20


def test_a_run_whose_end_is_never_written_is_noticed() -> None:
    execution, _ = _watched(RecordedStepFunctions("aborted", mute=True))
    assert execution.status == "ABORTED"


def test_watching_stops_after_the_timeout() -> None:
    played = RecordedStepFunctions("succeeded", pace=0)
    now = iter(range(1000))
    with pytest.raises(RunTimeoutError, match="goes on"):
        follow(
            played.client,
            played.arn,
            lambda *_: None,
            every=0,
            timeout=5,
            clock=lambda: next(now),
            sleep=lambda _: None,
        )
    assert played.looks <= 6
