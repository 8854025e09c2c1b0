"""c360 backfill: which files it takes, in which order, and what it says of those that it cannot place."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli.commands.backfill import history, months
from cli.errors import FileProblemError
from cli.main import run_command
from functions.model.reading import load_model, parse_model
from tests.support.edited_model import edited

SOURCES = load_model().sources


def put(folder: Path, *paths: str) -> Path:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("customer_id\n")
    return folder


def test_files_are_loaded_month_by_month_in_the_order_in_which_they_became_true(tmp_path: Path) -> None:
    placed = history(
        put(
            tmp_path,
            "transactions/dt=2022-12-31/a.csv.gz",
            "customers/snapshot/dt=2021-02-28/all.csv",
            "customers/at=20230101T000000Z/a.csv",
            "transactions/dt=2022-12-01/a.csv",
            ".DS_Store",
        ),
        SOURCES,
    )
    assert [each.key.removeprefix("landing/") for _, each in placed] == [
        "customers/snapshot/dt=2021-02-28/all.csv",
        "transactions/dt=2022-12-01/a.csv",
        "transactions/dt=2022-12-31/a.csv.gz",
        "customers/at=20230101T000000Z/a.csv",
    ]
    assert list(months(placed)) == [
        ("2021-02-01", "2021-02-28"),
        ("2022-12-01", "2022-12-31"),
        ("2023-01-01", "2023-01-31"),
    ]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("customer/dt=2022-01-01/a.csv", "there is no source 'customer'; did you mean customers/dt=2022-01-01/a.csv?"),
        ("customers/dt=2022-1-5/a.csv", "did you mean customers/dt=2022-01-05/a.csv?"),
        ("customers/a.csv", "no folder dt=YYYY-MM-DD says from when it is true"),
        ("customers/dt=2022-01-01/readme.txt", "its name does not end in .csv or .csv.gz"),
    ],
)
def test_a_file_that_cannot_be_placed_is_named_before_anything_is_uploaded(
    tmp_path: Path, path: str, reason: str
) -> None:
    with pytest.raises(FileProblemError) as raised:
        history(put(tmp_path, "customers/dt=2022-01-01/b.csv", path), SOURCES)
    assert str(tmp_path / path) in str(raised.value)
    assert reason in str(raised.value)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileProblemError, match="holds no files"):
        history(tmp_path, SOURCES)


def test_days_of_a_source_that_is_dated_by_its_upload_are_refused(tmp_path: Path) -> None:
    sources = parse_model(edited("sources.customers.effective_at", "upload")).sources
    assert len(history(put(tmp_path, "customers/at=20230101T000000Z/a.csv"), sources)) == 1
    with pytest.raises(FileProblemError, match="the model dates customers by their upload"):
        history(put(tmp_path, "customers/dt=2023-01-01/a.csv"), sources)


def test_a_month_of_more_files_than_one_run_takes_is_several_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """LocalStack loads the months in tests/platform/test_nightly_load.py; here are none of its 10,000 files."""
    waiting = iter([2, 1, 0, 0])
    deployment = SimpleNamespace(
        s3=None, step_functions=None, outputs=SimpleNamespace(landing_bucket="bucket", state_machine_arn="arn")
    )
    monkeypatch.setattr("cli.deployment.open_deployment", lambda _target: deployment)
    monkeypatch.setattr("cli.files.upload.drop", lambda *_arguments, **_options: [])
    monkeypatch.setattr("cli.commands.backfill.start", lambda _client, _arn, request: request)
    monkeypatch.setattr("cli.commands.backfill.wait_for", lambda *_arguments: {"files_waiting": next(waiting)})
    put(tmp_path, "customers/dt=2022-01-05/a.csv", "customers/dt=2022-02-05/a.csv")
    assert run_command(["backfill", str(tmp_path), "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert [run["month"] for run in runs] == ["2022-01", "2022-01", "2022-01", "2022-02"]
