"""Very many files in one run: what is to be done of them is a manifest in S3, and PostgreSQL's locks are enough."""

import json
from typing import Any

import psycopg
import pytest
from psycopg import sql

from functions.common import environment
from functions.load import handler
from functions.load.judge import NotStagedError
from functions.load.plan import finish, manifest, plan
from functions.load.staging import shared_partitions
from tests.support.csv_files import customers
from tests.support.lambda_context import handler_signed_in, lambda_context
from tests.support.night import BUCKET, Night, role_url

PLAN = {
    "step": "plan",
    "run_id": "run-1",
    "execution_arn": "arn:aws:states:us-east-1:000000000000:execution:NightlyLoad:run-1",
    "started_at": "2026-11-23T00:03:42.378Z",
}


class DyingAtTheThird(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is cut when it drops a third table."""

    dropped = 0

    def execute(self, query: Any, *arguments: Any, **more: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        if isinstance(query, sql.Composed) and query.as_string().startswith("drop table"):
            self.dropped += 1
            if self.dropped == 3:
                self.pgconn.finish()
        return super().execute(query, *arguments, **more)


@pytest.fixture
def five_files(night: Night, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Files in the landing zone of the handler, of which a run hands over two at most in the state."""
    monkeypatch.setattr(manifest, "INLINE_LIMIT", 2)
    monkeypatch.setenv("LANDING_BUCKET", BUCKET)
    monkeypatch.setattr(environment, "s3", lambda: night.s3)
    for number in range(5):
        night.drop(f"customers/dt=2024-01-0{number + 1}/a.csv", customers({"customer_id": f"C{number}"}))
    return night


def step(name: str, **more: object) -> dict[str, Any]:
    """The step's answer, as Step Functions has it."""
    answer: dict[str, Any] = json.loads(
        json.dumps(handler.handle({"step": name, "run_id": "run-1", **more}, lambda_context()))
    )
    return answer


def test_what_is_to_be_staged_is_a_manifest_and_the_run_loads_it_all(
    five_files: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "PARTS_DROPPED_AT_ONCE", 2)
    with handler_signed_in(role_url(five_files.admin_url, "c360_loader"), monkeypatch):
        planned = handler.handle(PLAN, lambda_context())
        assert (planned["file_count"], planned["are_many_files"], planned["files"]) == (5, True, [])
        assert (planned["are_many_large"], planned["large_manifest"]) == (False, "")
        assert handler.handle(PLAN, lambda_context()) == planned
        key = planned["files_manifest"]
        assert key == "manifests/run-1/files.json"
        assert step("parts")["files_manifest"] == key
        items = json.loads(five_files.s3.get_object(Bucket=planned["bucket"], Key=key)["Body"].read())
        assert [item["part"] for item in items] == [0] * 5
        for item in items:
            assert step("stage", **item) == {"status": "STAGED"}
        for name in ("check_staging", "hubs", "links", "satellites", "check_vault", "publish"):
            step(name)
        report = step("finish")
    assert report["totals"]["loaded"] == 5
    assert five_files.rows("select count(*) from pg_inherits where inhparent = 'staging.customers'::regclass") == [(0,)]


def test_large_files_may_be_very_many_too(five_files: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDING_SPLIT_BYTES", "1")
    with handler_signed_in(role_url(five_files.admin_url, "c360_loader"), monkeypatch):
        planned = handler.handle(PLAN, lambda_context())
    assert (planned["large_count"], planned["are_many_large"], planned["large"]) == (5, True, [])
    body = five_files.s3.get_object(Bucket=BUCKET, Key=planned["large_manifest"])["Body"].read()
    assert len(json.loads(body)) == 5


def test_a_file_that_nobody_staged_stops_the_run_and_is_loaded_by_the_next(
    five_files: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on LocalStack, where a Distributed Map goes on when one of its children has failed."""
    run_id, object_ids = five_files.plan("run-1")
    five_files.stage(run_id, object_ids[1:])
    with (
        handler_signed_in(role_url(five_files.admin_url, "c360_loader"), monkeypatch),
        pytest.raises(NotStagedError, match=r"a\.csv"),
    ):
        step("check_staging")
    five_files.fail(run_id)
    assert five_files.run()["totals"]["loaded"] == 5


def test_a_run_that_dies_while_it_empties_staging_is_taken_over(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finish, "PARTS_DROPPED_AT_ONCE", 1)
    for number in range(3):
        night.drop(f"customers/dt=2024-01-0{number + 1}/a.csv", customers({"customer_id": f"C{number}"}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.load_vault(run_id)
    with (
        pytest.raises(psycopg.OperationalError),
        DyingAtTheThird.connect(role_url(night.admin_url, "c360_loader")) as connection,
    ):
        finish.empty_staging(connection, run_id)
    assert night.rows("select count(*) from pg_inherits where inhparent = 'staging.customers'::regclass") == [(1,)]
    night.fail(run_id)
    report = night.run()
    assert (report["status"], report["totals"]["loaded"]) == ("SUCCEEDED", 3)
    assert night.rows("select count(*) from raw_vault.sat_customer_details") == [(3,)]


def test_a_run_fills_as_many_partitions_as_the_table_of_locks_has_room_for(night: Night) -> None:
    with night.connect() as connection:
        assert plan.partitions_limit(connection) == plan.PARTITIONS_LIMIT, "our servers' settings"
        # PostgreSQL's defaults, as of a server of somebody's own
        defaults = (64 * 100 - plan.RESERVED_LOCKS) // 2
    assert defaults == 2_500


def test_files_that_have_no_partition_left_wait_for_the_next_run(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each counts as the sixty-four megabytes are that a partition has room for."""
    monkeypatch.setattr(plan, "PARTITIONS_LIMIT", 2)
    monkeypatch.setattr(shared_partitions, "SHARED_FILES", 4)
    for number in range(7):
        night.drop(f"customers/dt=2024-01-0{number + 1}/a.csv", customers({"customer_id": f"C{number}"}))
    reports = [night.run() for _ in range(3)]
    assert [(len(each["files"]), each["files_waiting"]) for each in reports] == [(4, 3), (3, 0), (0, 0)]
