"""What is planned: not what was deleted, nor what is too old; and again what only seemed to be a repetition."""

from datetime import UTC, datetime

import psycopg
import pytest

from functions.load.plan.run_end import EndedExecution, record_end
from functions.load.schema.migrate import migrate
from functions.model.reading import parse_model
from tests.support.csv_files import customers, transactions
from tests.support.database_state import everything, published, versions
from tests.support.edited_model import edited
from tests.support.night import BUCKET, Night

ANN, BEA, CAT = ({"customer_id": "C1", "first_name": name} for name in ("Ann", "Bea", "Cat"))


def delete(night: Night, key: str) -> None:
    """Delete an object as people do: S3 keeps its versions below a delete marker."""
    night.s3.delete_object(Bucket=BUCKET, Key=f"landing/{key}")


def end(night: Night, run_id: str) -> None:
    now = datetime.now(UTC)
    with night.connect() as connection:
        record_end(connection, EndedExecution(run_id, "arn", "FAILED", now, now, None, None))


def names(night: Night) -> list[object]:
    return [row[1] for row in versions(night, "sat_customer_details", "hub_customer", "first_name")]


def statuses(night: Night) -> dict[str, list[str]]:
    statuses: dict[str, list[str]] = {}
    for key, status in night.rows("select object_key, status from metadata.object_version order by object_id"):
        statuses.setdefault(key.rpartition("/")[2], []).append(status)
    return statuses


def test_an_object_deleted_before_the_night_is_not_loaded(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN))
    night.drop("customers/dt=2024-01-01/a.csv", customers(BEA))
    night.drop("customers/dt=2024-01-01/b.csv", customers(CAT))
    delete(night, "customers/dt=2024-01-01/a.csv")
    assert [file["key"][-5:] for file in night.run()["files"]] == ["b.csv"]
    assert names(night) == ["Cat"]


def test_what_is_dropped_again_after_a_deletion_is_loaded(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN))
    delete(night, "customers/dt=2024-01-01/a.csv")
    night.drop("customers/dt=2024-01-01/a.csv", customers(BEA))
    night.run()
    assert names(night) == ["Bea"]


def test_a_file_that_stopped_a_run_is_withdrawn_by_deleting_it(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN))
    night.drop("customers/dt=2024-01-01/b.csv", customers(CAT))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    end(night, run_id)
    delete(night, "customers/dt=2024-01-01/a.csv")
    report = night.run()
    assert [(file["key"][-5:], file["status"]) for file in report["files"]] == [
        ("a.csv", "WITHDRAWN"),
        ("b.csv", "LOADED"),
    ]
    assert names(night) == ["Cat"]
    assert night.rows("select count(*) from pg_inherits where inhparent = 'staging.customers'::regclass") == [(0,)]


def test_a_file_that_is_half_in_the_vault_is_loaded_to_its_end_though_it_was_deleted(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.load_vault(run_id)
    end(night, run_id)
    delete(night, "customers/dt=2024-01-01/a.csv")
    assert [file["status"] for file in night.run()["files"]] == ["LOADED"]
    assert published(night).customers[0][1] == "Ann"


@pytest.mark.parametrize("order", ["abc", "acb", "bac", "bca", "cab", "cba"])
def test_what_is_said_again_after_other_content_counts_in_any_order_of_arrival(night: Night, order: str) -> None:
    content = {"a": customers(ANN), "b": customers(BEA), "c": customers(ANN)}
    for name in order:
        night.drop(f"customers/dt=2024-01-01/{name}.csv", content[name])
        night.run()
    assert published(night).customers[0][1] == "Ann"
    before = everything(night)
    night.drop("customers/dt=2024-01-01/d.csv", customers(ANN))
    assert [file["status"] for file in night.run()["files"]] == ["REPEATED"]
    assert everything(night) == before


def test_a_file_that_is_dropped_every_night_is_loaded_once(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN))
    night.run()
    before = everything(night)
    for _ in range(4):
        night.drop("customers/dt=2024-01-01/a.csv", customers(ANN))
        report = night.run()
        assert ([file["status"] for file in report["files"]], report["retracted"]) == (["REPEATED"], [])
    assert everything(night) == before
    night.drop("customers/dt=2024-01-01/a.csv", customers(BEA))
    night.run()
    assert [row[1] for row in published(night).customers] == ["Bea"]


def remember(night: Night, days: int) -> None:
    """Migrate to a model with a late window."""
    with psycopg.connect(night.admin_url) as connection:
        migrate(connection, {}, model=parse_model(edited("late_window_days", days)))


def test_nothing_is_forgotten_unless_a_window_is_declared(night: Night) -> None:
    for day in ("1995-01-10", "1995-01-20", "2024-06-01"):
        night.drop(f"customers/dt={day}/a.csv", customers(ANN))
        night.run()
    night.drop("customers/dt=1995-01-15/late.csv", customers(BEA))
    assert [file["status"] for file in night.run()["files"]] == ["LOADED"]
    assert [name for _, name in versions(night, "sat_customer_details", "hub_customer", "first_name")] == [
        *("Ann", "Bea", "Ann")
    ]


def test_a_file_from_before_what_is_remembered_is_refused_with_a_reason(night: Night) -> None:
    """Only of a source that has forgotten something, and only when the late window has passed."""
    remember(night, 400)
    months = ["2022-01-10", "2022-01-20", "2024-06-01"]
    for month in months:
        night.drop(f"customers/dt={month}/a.csv", customers(ANN))
        night.run()
    assert night.rows("select source, horizon from metadata.tracking_horizon") == [
        ("customers", datetime(2022, 2, 1, tzinfo=UTC))
    ]
    for key in ("customers/dt=2022-01-15/late.csv", "customers/dt=2022-02-01/in-time.csv"):
        night.drop(key, customers(BEA))
    night.drop("transactions/dt=2021-01-01/other.csv", transactions({}))
    files = {file["key"].rpartition("/")[2]: file for file in night.run()["files"]}
    assert {name: file["status"] for name, file in files.items()} == {
        "late.csv": "REJECTED",
        "in-time.csv": "LOADED",
        "other.csv": "LOADED",
    }
    assert "late_window_days" in files["late.csv"]["reason"]


def test_observations_within_the_late_window_are_kept(night: Night) -> None:
    remember(night, 400)
    for day in ("2023-12-01", "2023-12-02", "2024-12-31"):
        night.drop(f"customers/dt={day}/a.csv", customers(ANN))
        night.run()
    with psycopg.connect(night.admin_url) as connection:
        kept = connection.execute("select effective_at::date::text from raw_vault.record_tracking_satellite order by 1")
        assert kept.fetchall() == [("2023-12-02",), ("2024-12-31",)]


def test_a_source_takes_only_names_that_match_and_may_ignore_the_day(night: Night) -> None:
    night.model = parse_model(edited("sources.customers.files", ["crm_*.csv"]))
    night.drop("customers/dt=2024-01-01/crm_1.csv", customers(ANN))
    night.drop("customers/dt=2024-01-01/shop_1.csv", customers(BEA))
    night.run()
    assert statuses(night) == {"crm_1.csv": ["LOADED"]}
    night.model = parse_model(edited("sources.customers.effective_at", "upload"))
    night.run()
    assert night.rows(
        "select effective_at = uploaded_at from metadata.object_version where object_key like '%shop_1.csv'"
    ) == [(True,)]
