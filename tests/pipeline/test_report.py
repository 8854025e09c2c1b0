"""The run's report must fit what Step Functions passes on, however many files a night brings."""

import json

import pytest

from functions.load import finish
from tests.pipeline.files import customers
from tests.pipeline.night import Night


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
