"""c360 backfill: which files it takes, in which order, and what it says of those that it cannot place."""

from pathlib import Path

import pytest

from cli.commands.backfill import history, months
from cli.errors import FileProblemError

SOURCES = frozenset({"customers", "transactions"})


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
