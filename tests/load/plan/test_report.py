"""The run's report must fit what Step Functions passes on, however many files a night brings."""

import json

import pytest

from functions.load import metrics
from functions.load.plan import finish, plan
from tests.support.csv_files import customers
from tests.support.night import Night


def test_a_report_of_too_many_files_keeps_the_bad_ones_and_true_totals(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        night.drop(f"customers/dt=2024-01-01/{number}.csv", customers({"customer_id": f"C{number}"}))
    night.drop("customers/dt=2024-01-01/z-broken.csv", "no header\n")
    whole = night.run("whole")
    assert (len(whole["files"]), whole["files_omitted"]) == (7, 0)
    one = max(len(json.dumps(file)) for file in whole["files"])
    monkeypatch.setattr(finish, "FILES_LIMIT_BYTES", 3 * (one + 1))
    cut = night.finish("whole")
    assert len(cut["files"]) + cut["files_omitted"] == 7
    assert cut["files_omitted"] >= 1
    assert "REJECTED" in {file["status"] for file in cut["files"]}
    assert cut["totals"] == whole["totals"]
    emitted: dict[str, int] = {}
    monkeypatch.setattr(metrics, "emit_counts", lambda counts, **_: emitted.update(counts))
    metrics.emit_run(cut)
    assert (emitted["FilesLoaded"], emitted["FilesRejected"], emitted["FilesHeld"]) == (6, 1, 0)


def test_more_files_than_a_run_takes_are_left_to_the_next_those_that_became_true_first_before_the_others(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FILES_LIMIT", 2)
    for day in (3, 1, 5, 2, 4):
        night.drop(f"customers/dt=2024-01-0{day}/a.csv", customers({"customer_id": "C1", "city": f"City {day}"}))
    reports = [night.run() for _ in range(4)]
    taken = [[file["key"].removeprefix("landing/customers/dt=2024-01-0") for file in each["files"]] for each in reports]
    assert taken == [["1/a.csv", "2/a.csv"], ["3/a.csv", "4/a.csv"], ["5/a.csv"], []]
    assert [each["files_waiting"] for each in reports] == [3, 1, 0, 0]


def test_what_a_failed_run_left_behind_counts_among_what_the_next_takes(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "FILES_LIMIT", 2)
    for number in range(4):
        night.drop(f"customers/dt=2024-01-01/{number}.csv", customers({"customer_id": f"C{number}"}))
    failed, claimed = night.plan()
    night.fail(failed)
    report = night.run()
    assert (len(claimed), len(report["files"]), report["files_waiting"]) == (2, 2, 2)
