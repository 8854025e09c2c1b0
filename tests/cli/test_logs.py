"""c360 logs: which lines are shown, and how (CloudWatch Logs by a fake that serves pages)."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_logs import CloudWatchLogsClient

from cli.commands.logs import since_instant
from cli.deployment import Deployment
from cli.errors import UsageError
from cli.log_lines import LogLine, log_groups, read
from tests.support.command_line import C360

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class _Logs:
    """Serves messages of log groups, one page each; a group that is not there is an error, as on AWS."""

    def __init__(self, groups: dict[str, list[str]]) -> None:
        self._groups = groups

    def get_paginator(self, _: str) -> "_Logs":
        return self

    def paginate(self, *, logGroupName: str, startTime: int) -> Iterator[dict[str, Any]]:  # noqa: N803
        if logGroupName not in self._groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "FilterLogEvents")
        for position, message in enumerate(self._groups[logGroupName]):
            event = {"eventId": f"{logGroupName}{position}", "timestamp": startTime + position, "message": message}
            yield {"events": [event]}


def _read(groups: dict[str, list[str]], **options: str) -> list[LogLine]:
    client = cast(CloudWatchLogsClient, _Logs(groups))
    return read(client, {"load": "/load", "api": "/api"}, NOW, **options)


def test_lines_of_all_functions_come_in_order_of_time_without_the_platforms_own() -> None:
    lines = _read({"/load": ["START RequestId: 1", "a", "c"], "/api": ["REPORT RequestId: 1", "b"]})
    assert [line.message for line in lines] == ["a", "b", "c"]


def test_a_function_that_never_ran_has_no_lines() -> None:
    assert _read({"/api": []}) == []


def test_lines_of_other_runs_are_left_out() -> None:
    assert [line.message for line in _read({"/load": ["run-1 x", "run-2 x"], "/api": []}, run_id="run-2")] == [
        "run-2 x"
    ]


def test_a_structured_line_reads_as_a_sentence_with_its_own_fields() -> None:
    message = json.dumps(
        {"level": "INFO", "message": "step done", "step": "hubs", "function_arn": "arn", "service": "c"}
    )
    assert LogLine("1", "load", NOW, message).text == "12:00:00 load    INFO    step done step=hubs"


def test_since_is_a_duration_or_an_instant() -> None:
    assert since_instant("90s", NOW) == datetime(2026, 11, 22, 11, 58, 30, tzinfo=UTC)
    assert since_instant("2026-11-22T10:00:00", NOW) == datetime(2026, 11, 22, 10, tzinfo=UTC)
    with pytest.raises(UsageError, match="--since"):
        since_instant("yesterday", NOW)


def test_a_function_that_the_deployment_lacks_is_refused_by_name_and_left_out_of_all(
    c360: C360, deploy: Callable[..., Deployment]
) -> None:
    deployment = deploy()
    deployment.__dict__["stack_outputs"] = {"LoadFunctionName": "load-1"}
    assert log_groups(deployment, ["load", "export"]) == {"load": "/aws/lambda/load-1"}
    done = c360("logs", "export")
    assert done.status == 2
    assert "no function export" in done.stderr


def test_a_line_of_metrics_reads_as_its_counts() -> None:
    record = {"_aws": {"CloudWatchMetrics": [{"Metrics": [{"Name": "RowsRead"}, {"Name": "RowsLoaded"}]}]}}
    message = json.dumps(record | {"run_id": "r", "RowsRead": [115000.0], "RowsLoaded": [2.0]})
    assert LogLine("1", "load", NOW, message).text == "12:00:00 load    METRICS RowsRead=115000 RowsLoaded=2"
