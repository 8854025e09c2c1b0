"""c360 engine migrate: what it starts, what it says, and its exit status."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli.deployment import Deployment
from cli.runs import run_report
from tests.support.command_line import C360
from tests.support.recorded_executions import RecordedStepFunctions

type Deploy = Callable[..., Deployment]

MOVED = {
    "engine": "spark",
    "is_moved": True,
    "tables": [{"table": "hub_customer", "rows": 1_234, "snapshot_id": 5_678}],
}


@pytest.fixture(autouse=True)
def _without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_report, "_LOCAL_POLL_SECONDS", 0)


def with_spark(deploy: Deploy, played: RecordedStepFunctions, output: dict[str, Any] | None = None) -> None:
    """A deployment that has Spark, whose execution ends with this output."""
    if output is not None:
        played._described["output"] = json.dumps(output)
    deploy(played).__dict__["stack_outputs"] = {"WarehouseBucketName": "warehouse"}


def test_a_move_starts_the_load_to_move_and_names_every_table(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("succeeded")
    with_spark(deploy, played, MOVED)
    done = c360("engine", "migrate", "spark", "--json")
    assert done.status == 0
    assert json.loads(played.started[0]["input"]) == {"move_to": "spark"}
    assert done.json | MOVED == done.json
    assert {"status", "execution_arn", "run_id", "seconds"} <= done.json.keys()
    shown = c360("engine", "migrate", "spark").stdout
    assert "1,234" in shown
    assert "5678" in shown, "as it is written in a query"


def test_the_way_back_says_what_to_deploy(c360: C360, deploy: Deploy) -> None:
    with_spark(deploy, RecordedStepFunctions("succeeded"), MOVED | {"engine": "postgresql"})
    assert "deploy with -c engine=postgresql" in c360("engine", "migrate", "postgresql").stdout


def test_a_vault_that_is_there_already_is_no_failure(c360: C360, deploy: Deploy) -> None:
    output = {"engine": "spark", "is_moved": False, "tables": []}
    with_spark(deploy, RecordedStepFunctions("succeeded"), output)
    done = c360("engine", "migrate", "spark")
    assert done.status == 0
    assert "nothing to move" in done.stdout


def test_a_move_that_fails_says_why_and_that_nothing_is_switched(c360: C360, deploy: Deploy) -> None:
    with_spark(deploy, RecordedStepFunctions("failed"))
    done = c360("engine", "migrate", "spark", "--json")
    assert done.status == 1
    assert done.json["status"] == "FAILED"
    assert done.json["is_moved"] is False
    assert done.json["error"]["code"] == "run_failed"
    assert "nothing is switched" in done.stderr


def test_a_deployment_without_spark_moves_nothing(c360: C360, deploy: Deploy) -> None:
    played = RecordedStepFunctions("succeeded")
    deploy(played).__dict__["stack_outputs"] = {}
    done = c360("engine", "migrate", "spark")
    assert done.status == 2
    assert "c360 up --engine spark" in done.stderr
    assert played.started == []
