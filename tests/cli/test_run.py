"""c360 run: the JSON that the design promises, the exit status, and what people read."""

import json
from collections.abc import Callable

import pytest

from cli.deployment import Deployment
from cli.runs import run_report
from cli.runs.executions import new_name
from tests.support.command_line import C360
from tests.support.recorded_executions import RecordedStepFunctions

type Deploy = Callable[..., Deployment]


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_report, "_LOCAL_POLL_SECONDS", 0)


def test_a_run_that_succeeds_tells_what_became_of_every_file(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("succeeded")
    deploy(played)
    done = c360("run", "--wait", "--json")
    report = done.json
    assert done.status == 0
    assert report["status"] == "SUCCEEDED"
    assert report["execution_arn"] == played.arn
    assert report["run_id"] == played.arn.rpartition(":")[2]
    described = played.describe_execution()
    assert report["seconds"] == round((described["stopDate"] - described["startDate"]).total_seconds(), 3)
    assert [file["key"].split("/")[1] for file in report["files"]] == ["customers", "products", "transactions"]
    for file in report["files"]:
        assert set(file) == {
            "key", "status", "reason", "rows_read", "loaded", "unchanged", "duplicate", "quarantined", "overruled",
            "unknown_columns",
        }  # fmt: skip
        assert file["rows_read"] == file["loaded"] + file["unchanged"] + file["duplicate"] + file["quarantined"]


def test_columns_that_the_model_does_not_know_are_told_as_drift(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("succeeded")
    deploy(played)
    assert "unknown_columns" not in c360("run", "--wait").stdout
    report = json.loads(played._described["output"])
    report["files"][0]["unknown_columns"] = ["loyalty", "shoe_size"]
    played._described["output"] = json.dumps(report)
    assert "loyalty, shoe_size" in c360("run", "--wait").stdout
    assert c360("run", "--wait", "--json").json["files"][0]["unknown_columns"] == ["loyalty", "shoe_size"]


def test_the_states_are_told_line_by_line_on_stderr(c360: C360, deploy: Deploy) -> None:
    deploy(RecordedStepFunctions("succeeded"))
    done = c360("run", "--wait", "--json")
    lines = done.stderr.splitlines()
    assert sum("CheckVault" in line for line in lines) == 1
    assert any("StageFile: attempt 1 failed: DatabaseConflictError" in line for line in lines)


def test_people_get_tables(c360: C360, deploy: Deploy) -> None:
    deploy(RecordedStepFunctions("succeeded"))
    done = c360("run", "--wait")
    assert "100,000" in done.stdout
    assert "115,000" in done.stdout
    assert "SUCCEEDED in" in done.stdout


def test_a_failed_run_is_one_object_with_the_error_and_a_line(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("failed")
    deploy(played)
    done = c360("run", "--wait", "--json")
    assert done.status == 1
    assert done.json["status"] == "FAILED"
    assert done.json["files"] == []
    assert done.json["error"]["error"] == "QualityError"
    assert done.json["error"]["step"] == "CheckVault"
    assert "98 accounted for" in done.json["error"]["cause"]
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("c360: run ")
    assert "FAILED at CheckVault: QualityError: reconciliation: 99 rows read, 98 accounted for" in last
    assert "c360 run --resume" in last


def test_an_aborted_run_fails_the_command(c360: C360, deploy: Deploy) -> None:
    deploy(RecordedStepFunctions("aborted"))
    done = c360("run", "--wait")
    assert done.status == 1
    assert "ABORTED" in done.stderr


def test_without_wait_the_run_is_only_started(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("succeeded")
    deploy(played)
    report = c360("run", "--json").json
    assert (report["status"], report["seconds"], report["files"]) == ("RUNNING", None, [])
    assert played.looks == 0


def test_a_timeout_leaves_the_run_going_and_says_so(c360: C360, deploy: Deploy) -> None:
    deploy(RecordedStepFunctions("succeeded", pace=0))
    done = c360("run", "--timeout", "0", "--json")
    assert done.status == 1
    assert done.json["status"] == "RUNNING"
    assert done.json["error"]["code"] == "timeout"


def test_the_input_names_the_files_or_nothing(c360: C360, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    played = RecordedStepFunctions("succeeded")
    deployment = deploy(played)
    deployment.__dict__["s3"] = _AnyObject()
    c360("run")
    c360("run", "--file", "landing/customers/a.csv", "--file", "s3://landing-bucket/landing/products/b.csv")
    inputs = [json.loads(request["input"]) for request in played.started]
    assert inputs == [{}, {"files": ["landing/customers/a.csv", "landing/products/b.csv"]}]


def test_the_input_names_the_days_of_a_backfill(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("succeeded")
    deploy(played)
    c360("run", "--from", "2026-01-01", "--to", "2026-01-31")
    c360("run", "--from", "2026-02-01", "--accept-deletions")
    inputs = [json.loads(request["input"]) for request in played.started]
    assert inputs == [{"from": "2026-01-01", "to": "2026-01-31"}, {"from": "2026-02-01", "accept_deletions": True}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "2026-02-01", "--to", "2026-01-31"),
        ("--from", "yesterday"),
        ("--resume", "run-20261122T231455Z-failed", "--from", "2026-01-01"),
    ],
)
def test_days_that_make_no_sense_start_nothing(c360: C360, deploy: Deploy, arguments: tuple[str, ...]) -> None:
    played = RecordedStepFunctions("failed")
    deploy(played)
    assert c360("run", *arguments).status == 2
    assert played.started == []


class _AnyObject:
    def head_object(self, **_: str) -> dict[str, str]:
        return {}


def test_a_key_outside_the_landing_zone_is_refused(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("succeeded")
    deploy(played)
    done = c360("run", "--file", "elsewhere/a.csv", "--json")
    assert done.status == 2
    assert done.json["error"]["code"] == "usage"
    assert played.started == []


def test_resuming_starts_a_new_run_with_the_input_of_the_old_one(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("failed", pace=1000)
    deploy(played)
    played.get_execution_history()  # it has ended
    c360("run", "--resume", "run-20261122T231455Z-failed")
    c360("run", "--resume", "run-20261122T231455Z-failed", "--accept-deletions")
    assert [json.loads(request["input"]) for request in played.started] == [{}, {"accept_deletions": True}]


def test_a_run_that_goes_on_cannot_be_resumed(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("failed")
    deploy(played)
    done = c360("run", "--resume", "run-20261122T231455Z-failed")
    assert done.status == 2
    assert "still running" in done.stderr
    assert played.started == []


def test_ctrl_c_stops_watching_with_status_130(c360: C360, deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    played = RecordedStepFunctions("succeeded")
    deploy(played)

    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(played, "get_execution_history", interrupted)
    done = c360("run", "--wait", "--json")
    assert done.status == 130
    assert done.json["error"]["code"] == "interrupted"
    assert "goes on" in done.stderr


def test_names_are_readable_and_never_repeat() -> None:
    names = {new_name() for _ in range(200)}
    assert len(names) == 200
    assert all(len(name) <= 80 and name.startswith("run-2") for name in names)
