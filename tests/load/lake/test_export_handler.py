"""The handler of the lake export: rows by table and Glue's tables come back, other events are refused by name."""

import json
from typing import Any

import boto3
import psycopg
import pytest
from moto import mock_aws

from functions.common import environment
from functions.common.errors import EventError
from functions.load.lake import export_handler
from functions.load.schema.migrate import migrate
from tests.support.lambda_context import handler_signed_in, lambda_context


def test_an_export_through_the_handler(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database_url) as connection:
        migrate(connection, {})
        connection.execute(
            "insert into metadata.load_run (run_id, execution_arn, status, started_at)"
            " values ('run-1', 'arn', 'SUCCEEDED', now())"
        )
        connection.execute(
            "insert into business_vault.mart_product_analytics (product_id, total_sold, total_quantity, revenue)"
            " values ('P1', 1, 2, 3.5)"
        )
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("LAKE_BUCKET", "the-lake")
    with mock_aws(), handler_signed_in(database_url, monkeypatch):
        s3 = boto3.client("s3")
        monkeypatch.setattr(environment, "s3", lambda: s3)
        s3.create_bucket(Bucket="the-lake")
        answer: dict[str, Any] = export_handler.handle({"run_id": "run-1"}, lambda_context())
        assert answer["is_done"] is True
        assert answer["rows"] == {"customers": 0, "products": 1, "order_lines": 0}
        assert [table["Name"] for table in answer["tables"]] == ["customers", "products", "order_lines"]
        assert len(json.dumps(answer)) < 50_000, "it passes through the state machine"
    with psycopg.connect(database_url) as connection:
        steps = connection.execute("select step, rows from metadata.load_step where run_id = 'run-1'").fetchall()
        assert steps == [("export", 1)]


def test_an_export_that_needs_more_calls_says_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database_url) as connection:
        migrate(connection, {})
        connection.execute(
            "insert into metadata.load_run (run_id, execution_arn, status, started_at)"
            " values ('run-1', 'arn', 'SUCCEEDED', now())"
        )
    for name, value in (("AWS_DEFAULT_REGION", "us-east-1"), ("LAKE_BUCKET", "the-lake")):
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(export_handler, "are_many", lambda _: True)
    context = lambda_context()
    monkeypatch.setattr(context, "get_remaining_time_in_millis", lambda: 0)
    with mock_aws(), handler_signed_in(database_url, monkeypatch):
        s3 = boto3.client("s3")
        monkeypatch.setattr(environment, "s3", lambda: s3)
        s3.create_bucket(Bucket="the-lake")
        answers = [export_handler.handle({"run_id": "run-1"}, context) for _ in range(3)]
    assert [answer["is_done"] for answer in answers] == [False, False, True], "a table in each call"
    assert (answers[0]["rows"], answers[0]["tables"]) == ({}, [])
    assert len(answers[2]["tables"]) == 3


@pytest.mark.parametrize("event", [{}, {"run_id": 1}, {"run_id": "run-1", "step": "stage"}])
def test_another_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(EventError, match="not the export of a run"):
        export_handler.handle(event, lambda_context())
