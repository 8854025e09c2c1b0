"""The handlers of the load and of ended runs: recorded events are understood, everything else is refused by name."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from moto import mock_aws

from functions.common import environment
from functions.common.errors import EventError, QualityError
from functions.common.ledger import RunNotActiveError
from functions.load import handler
from functions.load.plan import run_end_handler
from functions.load.plan.plan import RunRequest
from functions.load.schema.migrate import migrate
from functions.quality.checks import CheckResult
from tests.support.lambda_context import handler_signed_in, lambda_context

EVENTS = Path(__file__).parents[1] / "support" / "events"
PLAN = {
    "step": "plan",
    "run_id": "run-1",
    "execution_arn": "arn:aws:states:us-east-1:000000000000:execution:NightlyLoad:run-1",
    "started_at": "2026-11-23T00:03:42.378Z",
    "input": {},
}


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / name).read_text(encoding="utf-8"))
    return event


@pytest.fixture
def migrated_url(database_url: str) -> str:
    with psycopg.connect(database_url) as connection:
        migrate(connection, {})
    return database_url


def ask(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_the_end_of_a_run_is_understood_from_aws_and_from_localstack(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with handler_signed_in(migrated_url, monkeypatch):
        for run_id, name in (("run-1", "step_functions_failed_aws"), ("run-2", "step_functions_aborted_localstack")):
            event = recorded(f"{name}.json")
            assert run_end_handler.handle(event, lambda_context()) == {"run_id": run_id, "recorded": True}
            assert run_end_handler.handle(event, lambda_context()) == {"run_id": run_id, "recorded": False}
    columns = "run_id, status, started_at, finished_at, error, cause"
    assert ask(migrated_url, f"select {columns} from metadata.load_run order by 1") == [
        (
            *("run-1", "FAILED", datetime(2019, 2, 26, 23, 52, 26, 847000, UTC)),
            *(datetime(2019, 2, 26, 23, 52, 31, 881000, UTC), "QualityError", '{"errorMessage": "rows.accounted"}'),
        ),
        (
            *("run-2", "ABORTED", datetime(2026, 11, 23, 0, 3, 42, 378640, UTC)),
            *(datetime(2026, 11, 23, 0, 3, 51, 900329, UTC), None, None),
        ),
    ]


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED", "PENDING_REDRIVE"])
def test_an_event_that_is_no_failed_end_is_refused(status: str) -> None:
    event = recorded("step_functions_failed_aws.json")
    event["detail"]["status"] = status
    with pytest.raises(EventError):
        run_end_handler.handle(event, lambda_context())


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"step": "plan"},
        {**PLAN, "step": "unheard-of"},
        {**PLAN, "more": 1},
        {**PLAN, "started_at": "2026-11-23T00:03:42"},
        {**PLAN, "input": {"file": "landing/customers/a.csv"}},
        {**PLAN, "input": {"files": "landing/customers/a.csv"}},
        {"step": "stage", "run_id": "run-1"},
        {"step": "stage", "run_id": "run-1", "object_id": "one"},
        {"step": "hubs"},
        {"step": "split", "run_id": "run-1"},
        {"step": "stage", "run_id": "run-1", "object_id": 1, "part": "first"},
        {"step": "quarantine", "limit": 0},
        {"step": "quarantine", "where": "true"},
    ],
)
def test_an_event_that_is_no_step_is_refused_before_anything_is_done(event: dict[str, Any]) -> None:
    with pytest.raises(EventError):
        handler.handle(event, lambda_context())


def _emitted(printed: str) -> list[dict[str, Any]]:
    """The lines of counts in CloudWatch's embedded format, in order, each count by its name."""
    records = [json.loads(line) for line in printed.splitlines() if '"_aws"' in line]
    return [
        {
            "run_id": record["run_id"],
            **{
                metric["Name"]: record[metric["Name"]][0]
                for directive in record["_aws"]["CloudWatchMetrics"]
                for metric in directive["Metrics"]
            },
        }
        for record in records
    ]


def test_a_night_through_the_handler(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The payloads are what the state machine sends, each answer is JSON, and the run's counts are emitted."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("LANDING_BUCKET", "landing-zone")

    def step(name: str, **more: object) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            json.dumps(handler.handle({"step": name, "run_id": "run-1", **more}, lambda_context()))
        )
        return answer

    with mock_aws(), handler_signed_in(migrated_url, monkeypatch):
        s3 = boto3.client("s3")
        monkeypatch.setattr(environment, "s3", lambda: s3)
        s3.create_bucket(Bucket="landing-zone")
        key = "landing/customers/dt=2024-01-01/a.csv"
        s3.put_object(Bucket="landing-zone", Key=key, Body=b"customer_id\nC1\nC2\n")
        s3.put_object(Bucket="landing-zone", Key="landing/customers/dt=2024-01-01/b.csv", Body=b"customer_id\nC3\n")
        planned = handler.handle({**PLAN, "input": {"files": [key]}}, lambda_context())
        assert planned == {
            "run_id": "run-1",
            "are_retractions_due": False,
            "bucket": "landing-zone",
            "file_count": 1,
            "are_many_files": False,
            "files": [{"object_id": planned["files"][0]["object_id"], "part": 0}],
            "files_manifest": "",
            "large_count": 0,
            "are_many_large": False,
            "large": [],
            "large_manifest": "",
        }
        assert step("stage", **planned["files"][0]) == {"status": "STAGED"}
        assert step("check_staging")["warnings"] == 9  # the columns that the file lacks are empty
        hubs = step("hubs")
        assert hubs["is_done"]
        assert hubs["rows"]["hub_customer"] == 2
        step("links")
        assert step("satellites")["rows"]["sat_customer_details"] == 2
        assert step("check_vault")["warnings"] == 1  # the file is years old
        assert step("publish")["mart_customer_360"] == 2
        report = step("finish")
        assert (report["status"], report["totals"]["loaded"]) == ("SUCCEEDED", 2)
        staging, vault, run = _emitted(capsys.readouterr().out)
        assert {each["run_id"] for each in (staging, vault, run)} == {"run-1"}
        assert (staging["CheckWarnings"], vault["CheckWarnings"]) == (9, 1)
        assert (vault["CheckErrors"], vault["Unreconciled"]) == (0, 0)
        assert (run["RowsRead"], run["RowsLoaded"], run["RowsQuarantined"]) == (2, 2, 0)
        assert (run["FilesLoaded"], run["FilesHeld"], run["FilesWaiting"]) == (1, 0, 0)
        with pytest.raises(RunNotActiveError):
            step("hubs")


def test_the_input_of_an_execution_says_which_days_and_whether_deletions_are_accepted(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[RunRequest] = []

    def asking(*arguments: Any) -> list[int]:
        asked.append(arguments[-1])
        return []

    monkeypatch.setenv("LANDING_BUCKET", "landing-zone")
    monkeypatch.setattr(environment, "s3", lambda: None)
    monkeypatch.setattr(handler, "plan", asking)
    with handler_signed_in(migrated_url, monkeypatch):
        handler.handle({**PLAN, "input": {"from": "2026-01-01", "accept_deletions": True}}, lambda_context())
        with pytest.raises(EventError, match="from is after to"):
            handler.handle({**PLAN, "input": {"from": "2026-01-02", "to": "2026-01-01"}}, lambda_context())
    [request] = asked
    assert (request.first_day, request.last_day, request.accept_deletions) == (date(2026, 1, 1), None, True)


def test_a_big_file_through_the_handler(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planned as large, split, listed again with its parts, and staged part by part, as the state machine does it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("LANDING_BUCKET", "landing-zone")
    monkeypatch.setenv("LANDING_SPLIT_BYTES", "30")
    run = {"run_id": "run-1"}
    with mock_aws(), handler_signed_in(migrated_url, monkeypatch):
        s3 = boto3.client("s3")
        monkeypatch.setattr(environment, "s3", lambda: s3)
        s3.create_bucket(Bucket="landing-zone")
        content = b"customer_id\n" + b"".join(b"C%09d\n" % number for number in range(7)) + b"\n"
        s3.put_object(Bucket="landing-zone", Key="landing/customers/dt=2024-01-01/a.csv", Body=content)
        planned = handler.handle(PLAN, lambda_context())
        (large,) = planned["large"]
        assert planned["large_count"] == 1
        assert handler.handle({"step": "split", **run, **large}, lambda_context()) == {"status": "PLANNED"}
        parts = handler.handle({"step": "parts", **run}, lambda_context())["files"]
        assert [part["part"] for part in parts] == [0, 1, 2]
        staged = [handler.handle({"step": "stage", **run, **part}, lambda_context())["status"] for part in parts]
        assert staged == ["PLANNED", "PLANNED", "STAGED"]
        handler.handle({"step": "check_staging", **run}, lambda_context())
    assert ask(migrated_url, "select count(distinct customer_id), max(row_number) from staging.customers") == [(7, 7)]


def test_a_failed_check_stops_the_run_and_its_result_is_kept(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(
        migrated_url,
        "insert into metadata.load_run (run_id, execution_arn, status, started_at)"
        " values ('run-1', 'arn', 'RUNNING', now()) returning 1",
    )
    monkeypatch.setattr(
        "functions.quality.checks._rows_reconcile",
        lambda *_: CheckResult("rows.accounted", "error", False, "1 short"),
    )
    with (
        handler_signed_in(migrated_url, monkeypatch),
        pytest.raises(QualityError, match=r"rows\.accounted: 1 short"),
    ):
        handler.handle({"step": "check_vault", "run_id": "run-1"}, lambda_context())
    assert ask(migrated_url, "select passed, observed from metadata.quality_result where rule = 'rows.accounted'") == [
        (False, "1 short")
    ]
