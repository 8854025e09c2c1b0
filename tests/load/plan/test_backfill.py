"""A backfill loads the files whose effective day lies in its days, and leaves the others waiting."""

from datetime import date
from typing import Any

from tests.support.csv_files import customers
from tests.support.night import Night

JANUARY: dict[str, Any] = {"first_day": date(2026, 1, 1), "last_day": date(2026, 1, 31)}


def drop(night: Night, *days: str) -> None:
    for number, day in enumerate(days):
        night.drop(f"customers/dt={day}/a.csv", customers({"customer_id": f"C{number}", "first_name": day}))


def loaded(night: Night) -> set[str]:
    rows = night.rows("select substr(object_key, 22, 10) from metadata.object_version where status = 'LOADED'")
    return {row[0] for row in rows}


def test_only_files_of_the_days_are_loaded_both_ends_included(night: Night) -> None:
    drop(night, "2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01")
    night.drop("customers/now.csv", customers({"customer_id": "C9"}))
    night.run(**JANUARY)
    assert loaded(night) == {"2026-01-01", "2026-01-31"}
    night.run(first_day=date(2026, 2, 1), last_day=date(2026, 2, 1))
    assert loaded(night) == {"2026-01-01", "2026-01-31", "2026-02-01"}
    assert len(night.run()["files"]) == 2, "the rest is loaded when it is asked for"


def test_what_a_failed_run_left_outside_the_days_stays_there(night: Night) -> None:
    drop(night, "2026-01-15", "2026-02-15")
    run_id, _ = night.plan()
    night.fail(run_id)
    assert [file["status"] for file in night.run(**JANUARY)["files"]] == ["LOADED"]
    left = night.rows("select status, run_id from metadata.object_version where object_key like '%2026-02-15%'")
    assert left == [("PLANNED", run_id)]
    night.run()
    assert loaded(night) == {"2026-01-15", "2026-02-15"}


def test_a_rejected_file_is_judged_again_when_it_is_replaced(night: Night) -> None:
    night.drop("customers/dt=2026-01-02/a.csv", "")
    assert [file["status"] for file in night.run(**JANUARY)["files"]] == ["REJECTED"]
    assert night.run(**JANUARY)["files"] == [], "and only then"
    night.drop("customers/dt=2026-01-02/a.csv", customers({"customer_id": "C1"}))
    assert [file["status"] for file in night.run(**JANUARY)["files"]] == ["LOADED"]


def test_a_backfill_of_days_that_are_loaded_changes_nothing(night: Night) -> None:
    drop(night, "2026-01-15")
    night.run()
    assert night.run(**JANUARY)["files"] == []
