"""An object that S3 does not hand out is that object's problem: the others are loaded, and it is tried again."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from functions.load.plan.plan import READ_ATTEMPTS
from functions.load.staging.set_aside import give_up
from tests.support.csv_files import customers
from tests.support.database_state import published
from tests.support.night import BUCKET, Night

GOOD = "customers/dt=2024-01-01/good.csv"
COLD = "customers/dt=2024-01-02/cold.csv"


def archive(night: Night, key: str) -> None:
    """Move an object to an archive class, as a lifecycle rule does."""
    landed = s3_backends[DEFAULT_ACCOUNT_ID]["aws"].get_object(BUCKET, f"landing/{key}")
    assert landed is not None
    landed._storage_class = "GLACIER"


def status_of(report: dict[str, object], key: str) -> tuple[object, object]:
    files = report["files"]
    assert isinstance(files, list)
    return next((file["status"], file["reason"]) for file in files if file["key"] == f"landing/{key}")


def test_an_archived_object_is_set_aside_and_read_when_it_is_restored(night: Night) -> None:
    night.drop(GOOD, customers({"customer_id": "C1"}))
    night.drop(COLD, customers({"customer_id": "C2"}))
    archive(night, COLD)
    report = night.run()
    assert status_of(report, GOOD)[0] == "LOADED"
    status, reason = status_of(report, COLD)
    assert status == "UNREADABLE"
    assert "archive" in str(reason)
    night.s3.restore_object(Bucket=BUCKET, Key=f"landing/{COLD}", RestoreRequest={"Days": 1})
    assert status_of(night.run(), COLD) == ("LOADED", None)
    assert [row[0] for row in published(night).customers] == ["C1", "C2"]


def test_after_a_few_runs_it_is_read_only_when_a_run_names_it(night: Night) -> None:
    night.drop(COLD, customers({"customer_id": "C2"}))
    archive(night, COLD)
    for _ in range(READ_ATTEMPTS):
        assert status_of(night.run(), COLD)[0] == "UNREADABLE"
    assert night.run()["files"] == []
    assert status_of(night.run(files=(f"landing/{COLD}",)), COLD)[0] == "UNREADABLE"


def test_a_version_that_is_deleted_between_plan_and_staging_stops_nothing(night: Night) -> None:
    night.drop(GOOD, customers({"customer_id": "C1"}))
    night.drop(COLD, customers({"customer_id": "C2"}))
    run_id, object_ids = night.plan()
    (version,) = night.s3.list_object_versions(Bucket=BUCKET, Prefix=f"landing/{COLD}")["Versions"]
    night.s3.delete_object(Bucket=BUCKET, Key=f"landing/{COLD}", VersionId=version["VersionId"])
    assert sorted(night.stage(run_id, object_ids)) == ["STAGED", "UNREADABLE"]


def test_objects_of_a_bucket_that_is_gone_stop_no_later_run(night: Night) -> None:
    """As when LocalStack, which keeps buckets in memory, and the database were killed: staging is empty, too."""
    night.drop(GOOD, customers({"customer_id": "C1"}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.load_vault(run_id)
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("update metadata.object_version set bucket = 'gone'")
        connection.execute("truncate staging.customers")
    night.fail(run_id)
    night.drop(COLD, customers({"customer_id": "C2"}))
    report = night.run()
    assert status_of(report, COLD)[0] == "LOADED"
    assert status_of(report, GOOD) == ("UNREADABLE", "its bucket is gone")


def test_a_planned_object_of_a_bucket_that_is_gone_is_withdrawn(night: Night) -> None:
    night.drop(GOOD, customers({"customer_id": "C1"}))
    run_id, _ = night.plan()
    with psycopg.connect(night.admin_url) as connection:
        connection.execute("update metadata.object_version set bucket = 'gone'")
    night.fail(run_id)
    assert sorted(file["status"] for file in night.run()["files"]) == ["LOADED", "WITHDRAWN"]


def test_a_file_that_ends_its_function_at_every_try_is_given_up_alone(night: Night) -> None:
    night.drop(GOOD, customers({"customer_id": "C1"}))
    night.drop(COLD, customers({"customer_id": "C2"}))
    run_id, object_ids = night.plan()
    with night.connect() as connection:
        assert give_up(connection, run_id, object_ids[1]) == "UNREADABLE"
    night.stage(run_id, object_ids)
    night.check(run_id, "staging")
    night.load_vault(run_id)
    night.check(run_id, "vault")
    night.publish(run_id)
    assert sorted(file["status"] for file in night.finish(run_id)["files"]) == ["LOADED", "UNREADABLE"]


@pytest.mark.parametrize(("running", "is_taken_over"), [(("arn:aws:states:test",), False), ((), True), (None, False)])
def test_whether_a_run_is_alive_is_what_step_functions_says(
    night: Night, running: tuple[str, ...] | None, is_taken_over: bool
) -> None:
    """A run that died with its database is RUNNING for ever; the same files, dropped again, would only repeat it."""
    night.drop(GOOD, customers({"customer_id": "C1"}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    with psycopg.connect(night.admin_url) as connection:
        started = datetime.now(UTC) - timedelta(minutes=3)
        connection.execute("update metadata.load_run set started_at = %s", (started,))
    report = night.run(running=running)
    assert [file["status"] for file in report["files"]] == ["LOADED"] * is_taken_over
    ((status,),) = night.rows(f"select status from metadata.load_run where run_id = '{run_id}'")
    assert status == ("ABORTED" if is_taken_over else "RUNNING")
