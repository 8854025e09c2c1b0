"""A big file is staged in parts, at the same time and each as often as need be, as if it were staged at once."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
import pytest

from functions.common.database import Connection
from functions.load.plan.split import large_objects, split, staging_items
from functions.load.staging.stage import stage
from tests.support.csv_files import COLUMNS, LINE, transactions
from tests.support.database_state import canonical, empty, quarantined
from tests.support.night import Night
from tests.support.sabotage import cut_at_every_statement

KEY = "transactions/dt=2024-01-01/big.csv"
ROWS = 60
BIG = transactions(
    *(
        {
            "transaction_id": f"T{number}",
            "quantity": "none" if number % 20 == 7 else str(number),
            "total_amount": "0.01",
        }
        for number in range(ROWS)
    )
)
SPLIT_BYTES = len(BIG) // 5


def split_file(night: Night, run_id: str, split_bytes: int = SPLIT_BYTES) -> list[dict[str, int]]:
    """Split the run's big files; what is to be staged."""
    with night.connect() as connection:
        for object_id in large_objects(connection, run_id, split_bytes):
            split(connection, night.s3, night.model, run_id, object_id, split_bytes)
        return staging_items(connection, run_id)


def stage_part(night: Night, run_id: str, item: dict[str, int]) -> str:
    with night.connect() as connection:
        return _stage_on(night, run_id, item, connection)


def _stage_on(night: Night, run_id: str, item: dict[str, int], connection: Connection) -> str:
    return stage(connection, night.s3, night.model, run_id, item["object_id"], item["part"])


def finish_night(night: Night, run_id: str) -> dict[str, Any]:
    night.check(run_id, "staging")
    night.load_vault(run_id)
    night.check(run_id, "vault")
    night.publish(run_id)
    return night.finish(run_id)


def accounts(night: Night) -> list[tuple[Any, ...]]:
    return night.rows(
        "select object_key, status, rows_read, rows_loaded, rows_quarantined, measures, encode(content_sha256, 'hex')"
        " from metadata.object_version order by object_key, object_id"
    )


def leftovers(night: Night) -> list[tuple[Any, ...]]:
    return night.rows("select tablename from pg_tables where schemaname = 'staging' and tablename ~ '_[0-9]'")


def test_a_file_in_parts_ends_in_the_vault_of_the_same_file_at_once(night: Night) -> None:
    night.drop(KEY, BIG)
    night.run()
    whole = canonical(night), accounts(night), quarantined(night)
    empty(night)
    night.drop(KEY, BIG)
    run_id, _ = night.plan()
    items = split_file(night, run_id)
    assert [item["part"] for item in items] == [0, 1, 2, 3, 4]
    statuses = [stage_part(night, run_id, item) for item in reversed(items)]
    assert statuses == ["PLANNED"] * 4 + ["STAGED"]
    (file,) = finish_night(night, run_id)["files"]
    assert (file["rows_read"], file["quarantined"]) == (ROWS, 3)
    assert (canonical(night), accounts(night), quarantined(night)) == whole
    assert leftovers(night) == []
    lines = night.rows(
        "select line_number, metadata.line_of(object_id, row_number) from metadata.quarantine order by 1"
    )
    assert lines == [(row, row) for row in (9, 29, 49)]


def test_parts_that_are_staged_at_the_same_time_complete_the_file_once(night: Night) -> None:
    night.drop(KEY, BIG)
    run_id, _ = night.plan()
    items = split_file(night, run_id)
    last = threading.Barrier(2)
    for item in items[2:]:
        stage_part(night, run_id, item)
    statuses: list[str] = []

    def work(item: dict[str, int]) -> None:
        with night.connect() as connection:
            last.wait(10)
            statuses.append(stage(connection, night.s3, night.model, run_id, item["object_id"], item["part"]))

    workers = [threading.Thread(target=work, args=(item,)) for item in items[:2]]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert sorted(statuses) == ["PLANNED", "STAGED"]
    night.check(run_id, "staging")
    assert finish_night(night, run_id)["files"][0]["rows_read"] == ROWS


def test_splitting_and_staging_cut_off_at_any_statement_and_tried_again_change_nothing(night: Night) -> None:
    night.drop(KEY, BIG)
    run_id, (object_id,) = night.plan()

    def cuts_of(step: Callable[[Connection], object]) -> int:
        return len(list(cut_at_every_statement(night.connect, step)))

    cuts = cuts_of(lambda c: split(c, night.s3, night.model, run_id, object_id, SPLIT_BYTES))
    with night.connect() as connection:
        items = staging_items(connection, run_id)
    for item in items:
        cuts += cuts_of(partial(_stage_on, night, run_id, item))
        assert stage_part(night, run_id, item) in {"PLANNED", "STAGED"}, "a second time, it finds all done"
    assert cuts > 50
    finish_night(night, run_id)
    disturbed = canonical(night), accounts(night), quarantined(night)
    empty(night)
    night.drop(KEY, BIG)
    night.run()
    assert (canonical(night), accounts(night), quarantined(night)) == disturbed


def test_parts_that_a_crash_of_the_server_emptied_are_staged_again(night: Night) -> None:
    night.drop(KEY, BIG)
    run_id, _ = night.plan()
    items = split_file(night, run_id)
    for item in items:
        stage_part(night, run_id, item)
    with psycopg.connect(night.admin_url) as connection:
        connection.execute(f"truncate staging.part_{items[0]['object_id']}_1".encode())
    for item in items:
        assert stage_part(night, run_id, item) == "STAGED"
    (file,) = finish_night(night, run_id)["files"]
    assert (file["rows_read"], file["quarantined"]) == (ROWS, 3)
    assert night.rows("select count(*) from metadata.quarantine") == [(3,)]


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_big_file_that_repeats_another_is_given_up_with_all_its_parts(night: Night, when: str) -> None:
    """Its twin may be staged while its own parts are."""
    night.drop(KEY, BIG)
    night.drop("transactions/dt=2024-01-01/twin.csv", BIG)
    run_id, object_ids = night.plan()
    big, twin = sorted(object_ids)
    with night.connect() as connection:
        if when == "before":
            stage(connection, night.s3, night.model, run_id, twin)
        split(connection, night.s3, night.model, run_id, big, SPLIT_BYTES)
        items = [item for item in staging_items(connection, run_id) if item["object_id"] == big]
    assert len(items) == (0 if when == "before" else 5)
    for item in items[:-1]:
        stage_part(night, run_id, item)
    if when == "meanwhile":
        night.stage(run_id, [twin])
        assert stage_part(night, run_id, items[-1]) == "REPEATED"
    files = finish_night(night, run_id)["files"]
    assert {file["key"].rpartition("/")[2]: file["status"] for file in files} == {
        "big.csv": "REPEATED",
        "twin.csv": "LOADED",
    }
    assert night.rows("select count(*) from metadata.quarantine") == [(3,)]
    assert leftovers(night) == []


def test_a_part_with_bad_lines_is_read_line_by_line_and_the_others_are_not(
    night: Night, caplog: pytest.LogCaptureFixture
) -> None:
    lines = BIG.splitlines(keepends=True)
    lines[25] = "T,too,few\n"
    night.drop(KEY, "".join(lines))
    run_id, _ = night.plan()
    items = split_file(night, run_id)
    for item in items:
        stage_part(night, run_id, item)
    slow = [record.__dict__["part"] for record in caplog.records if record.message.startswith("malformed: read again")]
    with_row_25 = "select part from metadata.object_part where 25 >= first_row and 25 < first_row + rows_read"
    assert night.rows(with_row_25) == [(part,) for part in slow]
    assert finish_night(night, run_id)["files"][0]["quarantined"] == 4
    assert (25, ["row.field_count"]) in quarantined(night)[KEY]


def test_a_file_whose_quotes_are_broken_is_staged_in_one_piece(night: Night) -> None:
    lines = BIG.splitlines(keepends=True)
    lines[25] = '"' + lines[25]
    night.drop(KEY, "".join(lines))
    run_id, _ = night.plan()
    items = split_file(night, run_id)
    assert [item["part"] for item in items] == [0]
    assert stage_part(night, run_id, items[0]) == "STAGED"
    assert finish_night(night, run_id)["files"][0]["quarantined"] == 4
    assert (25, ["row.quoting"]) in quarantined(night)[KEY]


def test_a_big_file_without_a_header_is_rejected_before_anything_is_staged(night: Night) -> None:
    night.drop(KEY, "x" + BIG)
    run_id, _ = night.plan()
    assert split_file(night, run_id) == []
    assert night.finish(run_id)["files"][0]["status"] == "REJECTED"


def test_unknown_columns_of_a_big_file_are_kept_for_all_of_its_parts(night: Night) -> None:
    columns = [*COLUMNS["transactions"].split(","), "gift"]
    rows = "".join(f"T{n},{','.join(list(LINE.values())[1:])},1,g{n}\n" for n in range(20))
    night.drop(KEY, ",".join(columns) + "\n" + rows)
    run_id, _ = night.plan()
    items = split_file(night, run_id, 400)
    assert len(items) > 2
    for item in items:
        stage_part(night, run_id, item)
    assert finish_night(night, run_id)["files"][0]["unknown_columns"] == ["gift"]
    assert night.rows("select row_number, content ->> 'gift' from metadata.unknown_columns order by 1") == [
        (n + 1, f"g{n}") for n in range(20)
    ]


def test_only_files_above_the_limit_that_are_not_packed_are_split(night: Night) -> None:
    night.drop(KEY, BIG)
    night.drop("transactions/dt=2024-01-01/big.csv.gz", BIG)
    night.drop("transactions/dt=2024-01-01/small.csv", BIG[:-9])
    run_id, _ = night.plan()
    with night.connect() as connection:
        large = large_objects(connection, run_id, len(BIG) - 1)
    assert night.rows(f"select object_key from metadata.object_version where object_id = {large[0]}") == [
        (f"landing/{KEY}",)
    ]
    assert len(large) == 1
