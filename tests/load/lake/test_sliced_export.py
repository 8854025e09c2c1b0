"""An export that one call cannot write goes on in the next: of one publication, each row once."""

from collections import Counter
from functools import partial
from typing import Any

import pytest

from functions.load.lake import sliced_export
from functions.load.lake.export import ExportedTable, read_manifest
from functions.load.lake.sliced_export import are_many, export_in_slices
from functions.load.lake.tables import TABLES, Slice, slices
from tests.support.csv_files import customers, transactions
from tests.support.lake import LAKE, filled, in_order, lake_rows, mart_rows
from tests.support.night import Night
from tests.support.sabotage import cut_at_every_statement

__all__ = ["filled"]


@pytest.fixture
def sliced(filled: Night, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Marts with more rows than a slice has: months of one and of three lines, and a line without a date."""
    monkeypatch.setattr(sliced_export, "SLICE_ROWS", 2)
    filled.drop("customers/dt=2024-01-02/b.csv", customers(*({"customer_id": f"X{n}"} for n in range(5))))
    filled.drop(
        "transactions/dt=2024-01-02/b.csv",
        transactions(*({"transaction_id": f"M{n}", "order_date": f"2024-03-0{n}"} for n in (1, 2, 3))),
    )
    filled.run("night-2")
    return filled


def call(night: Night, run_id: str = "night-2", seconds_left: float = 0) -> list[ExportedTable] | None:
    """As the handler does, with no time left for a second slice."""
    with night.connect() as connection:
        return export_in_slices(
            connection, night.s3, LAKE, run_id, schema="masked", seconds_left=lambda: seconds_left, file_rows=1
        )


def exported(night: Night) -> list[ExportedTable]:
    done = None
    while done is None:
        done = call(night)
    return done


def is_whole(night: Night) -> bool:
    return all(
        in_order(lake_rows(night, table.name)) == in_order(mart_rows(night, table.view, "masked")) for table in TABLES
    )


def test_slices_are_whole_months_or_ranges_of_keys(sliced: Night) -> None:
    with sliced.connect() as connection:
        by_table = {table.name: slices(connection, table, "masked", 2) for table in TABLES}
        assert by_table["products"] == [Slice()]
        assert len(by_table["customers"]) > 2
        # two lines, the two of January and February, the three of March, one of the year 9999
        months = [(each.low or "")[:7] for each in by_table["order_lines"]]
        assert months == ["", "2024-02", "2024-03", "9999-12"]
        assert are_many(connection)


def test_the_lake_holds_what_the_marts_hold_after_as_many_calls_as_slices(sliced: Night) -> None:
    calls = 1
    while (done := call(sliced)) is None:
        assert read_manifest(sliced.s3, LAKE) is None, "readers see nothing of it before its end"
        calls += 1
    with sliced.connect() as connection:
        assert calls == sum(len(slices(connection, table, "masked", 2)) for table in TABLES)
    assert is_whole(sliced)
    [lines] = [each for each in done if each.table.name == "order_lines"]
    assert {month: len(keys) for month, keys in lines.files.items()} == {
        "1600-01": 1, "2024-01": 2, "2024-02": 1, "2024-03": 3, "9999-12": 1,
    }  # fmt: skip
    assert sliced.rows("select count(*) from metadata.step_unit") == [(0,)]


def test_a_call_that_dies_writes_no_file_twice(sliced: Night) -> None:
    step = partial(
        export_in_slices, s3=sliced.s3, bucket=LAKE, run_id="night-2", schema="masked", seconds_left=lambda: 900,
        file_rows=1,
    )  # fmt: skip
    assert sum(1 for _ in cut_at_every_statement(sliced.connect, step)) > 10
    assert is_whole(sliced)
    manifest: dict[str, Any] = read_manifest(sliced.s3, LAKE) or {}
    named = Counter(key for table in manifest["tables"].values() for key in table["files"])
    stored = [each["Key"] for each in sliced.s3.list_objects_v2(Bucket=LAKE)["Contents"]]
    assert set(named.values()) == {1}
    assert {key for key in stored if manifest["export"] in key} == named.keys()


def test_an_export_begins_anew_when_another_run_publishes(sliced: Night) -> None:
    assert call(sliced) is None
    assert call(sliced) is None
    sliced.drop("transactions/dt=2024-01-03/c.csv", transactions({"transaction_id": "T1", "order_date": "1600-01-01"}))
    sliced.run("night-3")
    exported(sliced)
    assert is_whole(sliced)
    # of the run before there is nothing left to say: the next one has exported newer marts
    assert sliced.rows("select count(*) from metadata.step_unit") == [(0,)]


def test_an_older_run_leaves_the_newer_export(sliced: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    exported(sliced)
    before = read_manifest(sliced.s3, LAKE)
    monkeypatch.setattr(sliced_export, "marts_published_at", lambda _: "2000-01-01T00:00:00.000000+00:00")
    done = None
    while done is None:
        done = call(sliced, "night-2", 900)
    assert done == []
    assert read_manifest(sliced.s3, LAKE) == before
