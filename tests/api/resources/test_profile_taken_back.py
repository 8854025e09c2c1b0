"""A customer's history, timeline and origin show nothing of files that were taken back or are not in force yet."""

from datetime import UTC, datetime
from typing import Any

import pytest

from functions.api.app import create_app
from tests.support.csv_files import customers
from tests.support.night import Night, role_url
from tests.support.served_api import served, settings_for

FIRST = "customers/dt=2026-01-01/a.csv"
SECOND = "customers/dt=2026-01-02/a.csv"


def _answers(night: Night) -> tuple[list[str], list[tuple[str, Any]], str, str]:
    """Of C1: its versions' cities, its timeline (day, data), and the city with its file as `explain` says."""
    with served(create_app(settings_for(role_url(night.admin_url, "c360_api")))) as client:
        history = client.get("/customers/C1/history").json()["items"]
        timeline = client.get("/customers/C1/timeline?sort=at").json()["items"]
        explained = client.get("/customers/C1/explain").json()["fields"]
        profile = client.get("/customers/C1").json()
    field = next(each for each in explained if each["field"] == "city")
    assert field["value"] == profile["city"]
    entries = [(entry["at"][:10], entry["data"].get("is_deleted", "profile")) for entry in timeline]
    return [version["city"] for version in history], entries, field["value"], field["file"]


def test_a_retracted_version_is_gone_from_history_timeline_and_explain(night: Night) -> None:
    night.drop(FIRST, customers({"customer_id": "C1", "city": "Bonn"}))
    night.drop(SECOND, customers({"customer_id": "C1", "city": "Mainz"}, {"customer_id": "C2"}))
    night.run()
    both = [("2026-01-01", "profile"), ("2026-01-02", "profile")]
    assert _answers(night) == (["Bonn", "Mainz"], both, "Mainz", f"landing/{SECOND}")
    night.run(retract=(f"landing/{SECOND}",))
    assert _answers(night) == (["Bonn"], both[:1], "Bonn", f"landing/{FIRST}")


@pytest.mark.parametrize("path", ["timeline", "history", "explain"])
def test_a_customer_that_only_a_retracted_file_named_has_no_profile(night: Night, path: str) -> None:
    night.drop(FIRST, customers({"customer_id": "C1"}))
    night.run()
    night.run(retract=(f"landing/{FIRST}",))
    with served(create_app(settings_for(role_url(night.admin_url, "c360_api")))) as client:
        assert client.get(f"/customers/C1/{path}").status_code == 404


def test_a_retracted_list_deletes_nobody_in_the_timeline(night: Night) -> None:
    night.drop(FIRST, customers({"customer_id": "C1", "city": "Bonn"}, {"customer_id": "C2"}))
    night.run()
    key = "customers/snapshot/dt=2026-01-02/a.csv"
    night.drop(key, customers({"customer_id": "C2"}))
    night.run()
    assert _answers(night)[1] == [("2026-01-01", "profile"), ("2026-01-02", True)]
    night.run(retract=(f"landing/{key}",))
    assert _answers(night)[1] == [("2026-01-01", "profile")]


def test_what_is_not_in_force_yet_is_no_version(night: Night) -> None:
    night.drop(FIRST, customers({"customer_id": "C1", "city": "Bonn"}))
    night.drop(SECOND, customers({"customer_id": "C1", "city": "Mainz"}))
    night.run(at=datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert _answers(night)[0] == ["Bonn"]
    night.run(at=datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert _answers(night)[0] == ["Bonn", "Mainz"]
