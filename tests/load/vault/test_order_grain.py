"""What is a line of an order, with and without a line number; and files that count no longer."""

from datetime import datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from functions.common.errors import DataError, QualityError
from functions.load.marts.publish import publish
from functions.model.declaration import Model
from functions.model.reading import load_model
from functions.quality.file_outcome import check_outcomes, explain_file
from tests.support import oracle
from tests.support.csv_files import customers, transactions
from tests.support.database_state import everything, published
from tests.support.night import Night

type Line = tuple[str, int, str, int]


def row(product: str, quantity: int, number: str = "", **more: str) -> dict[str, str]:
    """A line of order T1 at 5.00 a piece."""
    amounts = {"quantity": str(quantity), "unit_price": "5.00", "total_amount": f"{quantity * 5}.00"}
    return {"product_id": product, "line_number": number, **amounts, **more}


def lines(night: Night) -> list[Line]:
    """The lines that are shown: order, number, product, amount."""
    return [(line[0], line[1], line[3], int(line[7])) for line in published(night).lines]


def counting(model: Model) -> Model:
    """The model, with a copy of a row being one more line."""
    transactions = model.sources["transactions"].model_copy(update={"repeated_rows": "count"})
    return model.model_copy(update={"sources": {**model.sources, "transactions": transactions}})


def test_unnumbered_rows_of_one_product_are_lines_of_their_own(night: Night) -> None:
    night.drop("transactions/dt=2026-11-01/a.csv", transactions(row("P", 1), row("P", 2)))
    night.run()
    assert lines(night) == [("T1", 1, "P", 5), ("T1", 2, "P", 10)]
    ((customer, *_),) = published(night).customers
    assert (customer, published(night).customers[0][10:12]) == ("C1", (1, Decimal(15)))


def test_lines_without_a_number_follow_the_highest_that_a_file_may_have(night: Night) -> None:
    highest = 9_000_000_000_000_000_000
    night.drop("transactions/dt=2026-11-01/a.csv", transactions(row("P", 1, str(highest)), row("P", 2)))
    night.run()
    assert lines(night) == [("T1", highest, "P", 5), ("T1", highest + 1, "P", 10)]


def test_a_numbered_line_whose_product_is_corrected_is_one_line(night: Night) -> None:
    for day, product in ((1, "A"), (2, "B"), (4, "A")):
        night.drop(f"transactions/dt=2026-11-0{day}/a.csv", transactions(row(product, 1, "1"), row("C", 1, "2")))
        night.run()
        assert lines(night) == [("T1", 1, product, 5), ("T1", 2, "C", 5)]
    night.drop("transactions/dt=2026-11-03/late.csv", transactions(row("D", 1, "2")))
    night.run()
    assert lines(night) == [("T1", 1, "A", 5), ("T1", 2, "C", 5)], "a late file says nothing of what came after it"
    as_of = "select product_id from business_vault.order_analytics_as_of('2026-11-03', now()) order by line_number"
    assert night.rows(as_of) == [("B",), ("D",)]


def test_a_later_instant_replaces_an_unnumbered_order(night: Night) -> None:
    night.drop("transactions/dt=2026-11-01/a.csv", transactions(row("A", 1), row("B", 2), row("C", 3)))
    night.drop("transactions/dt=2026-11-02/a.csv", transactions(row("A", 1), row("B", 4)))
    night.run()
    assert lines(night) == [("T1", 1, "A", 5), ("T1", 1, "B", 20)]
    before = everything(night)
    night.drop("transactions/dt=2026-11-03/a.csv", transactions(row("A", 1), row("B", 4)))
    assert night.run()["totals"]["unchanged"] == 2
    assert everything(night) == before


def test_an_order_is_what_all_files_of_its_instant_say(night: Night) -> None:
    night.drop("transactions/dt=2026-11-01/a.csv", transactions(row("A", 1), row("B", 1)))
    night.run()
    night.drop("transactions/dt=2026-11-01/b.csv", transactions(row("B", 1), row("B", 2)))
    night.run()
    assert lines(night) == [("T1", 1, "A", 5), ("T1", 1, "B", 5), ("T1", 2, "B", 10)]


def test_numbers_that_come_or_go_replace_the_order(night: Night) -> None:
    for day, rows in enumerate(
        ([row("A", 1, "1"), row("B", 1, "2")], [row("A", 1), row("B", 2)], [row("A", 3, "1")]), start=1
    ):
        night.drop(f"transactions/dt=2026-11-0{day}/a.csv", transactions(*rows))
        night.run()
        assert [line[3] for line in lines(night)] == [int(each["quantity"]) * 5 for each in rows]


def test_a_row_with_a_number_beside_one_without_is_another_line(night: Night) -> None:
    night.drop("transactions/dt=2026-11-01/a.csv", transactions(row("A", 1), row("A", 2, "1"), row("A", 3)))
    night.run()
    assert lines(night) == [("T1", 1, "A", 10), ("T1", 2, "A", 5), ("T1", 3, "A", 15)]


@pytest.mark.parametrize(("model", "shown", "duplicate"), [("duplicate", 1, 2), ("count", 3, 0)])
def test_a_row_equal_in_every_column_counts_once_or_as_often_as_the_model_says(
    night: Night, model: str, shown: int, duplicate: int
) -> None:
    night.model = load_model() if model == "duplicate" else counting(load_model())
    for day in (1, 2):
        night.drop(f"transactions/dt=2026-11-0{day}/a.csv", transactions(*[row("A", 1)] * 3))
        (file,) = night.run()["files"]
        assert (file["duplicate"], file["overruled"]) == (duplicate, 0)
        assert [line[3] for line in lines(night)] == [5] * shown
    ((measures,),) = night.rows("select measures -> 'total_amount' from metadata.object_version limit 1")
    assert Decimal(measures["duplicate"]) == 5 * duplicate
    night.drop("transactions/dt=2026-11-03/a.csv", transactions(*[row("A", 1)] * 2))
    night.run()
    assert len(lines(night)) == min(shown, 2)


def test_an_unnumbered_line_stays_the_same_when_its_order_changes(night: Night) -> None:
    for day, status in enumerate(("pending", "shipped", "shipped"), start=1):
        night.drop(f"transactions/dt=2026-11-0{day}/a.csv", transactions(row("A", 1, order_status=status), row("B", 2)))
        night.run()
    assert lines(night) == [("T1", 1, "A", 5), ("T1", 1, "B", 10)]
    for table in ("link_order_product", "sat_order_line"):
        assert night.rows(f"select count(*) from raw_vault.{table}") == [(2,)]
    assert night.rows("select count(*) from raw_vault.sat_order_line_status") == [(0,)]


def test_rows_of_a_file_that_differ_only_in_what_they_say_of_the_order_are_lines_of_their_own(night: Night) -> None:
    pending, shipped = row("A", 1, order_status="pending"), row("A", 1, order_status="shipped")
    night.drop("transactions/dt=2026-11-01/a.csv", transactions(pending, shipped, shipped))
    (file,) = night.run()["files"]
    assert (file["loaded"], file["duplicate"], file["overruled"]) == (2, 1, 0)
    assert lines(night) == [("T1", 1, "A", 5), ("T1", 2, "A", 5)]
    night.drop("transactions/dt=2026-11-01/b.csv", transactions(shipped, pending))
    night.run()
    assert len(lines(night)) == 2, "another file of that instant says the same"
    night.drop("transactions/dt=2026-11-02/a.csv", transactions(shipped))
    night.run()
    assert lines(night) == [("T1", 1, "A", 5)]


FILES = {
    "transactions/dt=2026-11-01/a.csv": transactions(row("A", 1), row("B", 2)),
    "transactions/dt=2026-11-02/a.csv": transactions(row("B", 2), row("B", 3)),
    "transactions/dt=2026-11-02/b.csv": transactions(row("C", 1), row("B", 2)),
    "transactions/dt=2026-11-03/a.csv": transactions(row("C", 1, "1", transaction_id="T2"), row("C", 2, "2")),
}


@pytest.mark.parametrize("order", list(permutations(range(4)))[::5])
def test_late_files_give_what_files_in_time_give(night: Night, order: tuple[int, ...]) -> None:
    files = list(FILES.items())
    for number in order:
        night.drop(*files[number])
        night.run()
    assert published(night) == oracle.marts(files)


def test_a_file_that_is_taken_back_never_came_but_what_was_known_stays(night: Night) -> None:
    night.drop("customers/dt=2026-11-01/a.csv", customers({"customer_id": "C1", "first_name": "Ann"}))
    night.run()
    night.drop("customers/dt=2026-11-02/wrong.csv", customers({"customer_id": "C1"}, {"customer_id": "C2"}))
    night.drop("transactions/dt=2026-11-02/wrong.csv", transactions(row("A", 1)))
    run_id = night.run()["run_id"]
    night.drop("customers/dt=2026-11-03/a.csv", customers({"customer_id": "C1"}))
    assert night.run()["totals"]["unchanged"] == 1
    report = night.run(retract=("landing/customers/dt=2026-11-02/wrong.csv",))
    assert report["status"] == "SUCCEEDED"
    assert [row[:2] for row in published(night).customers] == [("C1", None)], "which the third file said as well"
    night.run(retract=("landing/transactions/dt=2026-11-02/wrong.csv",))
    assert published(night).lines == []
    assert [row[0] for row in published(night).products] == []
    ((known,),) = night.rows(f"select loaded_at from metadata.load_run where run_id = '{run_id}'")
    assert isinstance(known, datetime)
    then = f"select customer_id from business_vault.customer_360_as_of('2026-11-02', '{known}') order by 1"
    assert night.rows(then) == [("C1",), ("C2",)]
    now = "select customer_id, first_name from business_vault.customer_360_as_of('2026-11-02', now()) order by 1"
    assert night.rows(now) == [("C1", "Ann")]


def test_what_was_taken_back_may_come_again(night: Night) -> None:
    key, content = "customers/dt=2026-11-01/a.csv", customers({"customer_id": "C1"})
    night.drop(key, content)
    night.run()
    night.run(retract=(f"landing/{key}",))
    assert published(night).customers == []
    assert night.run()["files"] == [], "the object is still there, and stays taken back"
    night.drop(key, content + "\n")
    night.run()
    night.drop("customers/dt=2026-11-01/b.csv", content)
    assert [file["status"] for file in night.run()["files"]] == ["LOADED"], "of an object that counts no longer"
    assert [row[0] for row in published(night).customers] == ["C1"]


def test_what_repeated_a_file_that_is_taken_back_takes_its_place(night: Night) -> None:
    content = customers({"customer_id": "C1"})
    for name in "ab":
        night.drop(f"customers/dt=2026-11-01/{name}.csv", content)
        night.run()
    files = night.run(retract=("landing/customers/dt=2026-11-01/a.csv",))["files"]
    assert [(file["key"][-5:], file["status"]) for file in files] == [("b.csv", "LOADED")]
    assert [row[0] for row in published(night).customers] == ["C1"]


def test_a_complete_list_that_is_taken_back_deletes_nobody(night: Night) -> None:
    night.drop("customers/dt=2026-11-01/a.csv", customers({"customer_id": "C1"}, {"customer_id": "C2"}))
    for day in (2, 3):
        night.drop(f"customers/snapshot/dt=2026-11-0{day}/a.csv", customers({"customer_id": "C2"}))
    night.run()
    gone = "select customer_id from business_vault.vw_customer_360 where is_deleted"
    for day, deleted in ((2, [("C1",)]), (3, [])):
        night.run(retract=(f"landing/customers/snapshot/dt=2026-11-0{day}/a.csv",))
        assert night.rows(gone) == deleted, "the other list lacks C1 as well"


def outcome(night: Night, key: str) -> dict[str, Any]:
    """The outcome of the newest version of a file."""
    with night.connect() as connection:
        explained = explain_file(connection, night.model, f"landing/{key}")
    return dict(explained["versions"][0]["outcome"])


def test_a_file_is_accounted_for_from_its_rows_to_the_marts(night: Night) -> None:
    first, second, late = (f"transactions/dt=2026-11-0{day}/a.csv" for day in (1, 3, 2))
    wrong = row("A", 9, "9", order_date="soon")
    night.drop(
        first,
        transactions(row("A", 1, "1"), row("B", 2, "2"), row("B", 2, "2"), row("C", 3, "3"), row("D", 4, "3"), wrong),
    )
    night.run()
    assert outcome(night, first)["total_amount"] == {
        "file": "105.00", "in_force": "35.00", "in_marts": "35.00", "duplicate": "10.00", "overruled": "15.00",
        "quarantined": "45.00", "not_yet_in_force": "0", "retracted": "0", "forgotten": "0.00", "superseded": [],
    }  # fmt: skip
    night.drop(second, transactions(row("B", 7, "2"), row("E", 4, "3")))
    night.drop(late, transactions(row("A", 5, "1")))
    night.run()
    superseded = outcome(night, first)
    assert superseded["total_amount"]["superseded"] == [
        {"by": f"landing/{late}", "amount": "5.00"},
        {"by": f"landing/{second}", "amount": "30.00"},
    ]
    assert (superseded["total_amount"]["in_force"], superseded["rows"]["in_force"], superseded["rows"]["file"]) == (
        "0",
        "0",
        "6",
    )
    assert outcome(night, second)["total_amount"]["in_marts"] == "55.00"
    night.run(retract=(f"landing/{second}",))
    assert outcome(night, second)["total_amount"]["retracted"] == "55.00"
    assert outcome(night, first)["total_amount"]["in_force"] == "30.00"


def test_every_unnumbered_order_is_accounted_for_by_the_files_that_state_it(night: Night) -> None:
    for key, content in FILES.items():
        night.drop(key, content)
    night.run()
    outcomes = {key: outcome(night, key)["total_amount"] for key in FILES}
    in_force = sum(Decimal(entry["in_force"]) for entry in outcomes.values())
    assert in_force == sum(line[7] for line in published(night).lines)
    for entry in outcomes.values():
        superseded = sum(Decimal(each["amount"]) for each in entry["superseded"])
        assert Decimal(entry["file"]) == Decimal(entry["in_force"]) + superseded


def test_a_line_that_the_marts_lack_stops_the_publication(night: Night) -> None:
    night.drop("transactions/dt=2026-11-01/a.csv", transactions(row("A", 1)))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.load_vault(run_id)
    night.check(run_id, "vault")
    with night.connect() as connection:
        publish(connection, run_id)
        connection.execute("update business_vault.mart_order_line set total_amount = 4.99 where true")
        with pytest.raises(QualityError, match=r"total_amount of object .*'in_marts': '4\.99'"):
            check_outcomes(connection, night.model, run_id)
        connection.rollback()


def test_a_file_that_never_came_cannot_be_taken_back(night: Night) -> None:
    with pytest.raises(DataError, match="no such file has ever been loaded"):
        night.run(retract=("landing/customers/dt=2026-11-01/never.csv",))


def test_a_replacement_that_cannot_be_read_replaces_nothing(night: Night) -> None:
    night.drop("customers/dt=2026-11-01/a.csv", customers({"customer_id": "C1"}))
    night.run()
    night.drop("customers/dt=2026-11-01/a.csv", "no header that is known\n")
    assert [file["status"] for file in night.run()["files"]] == ["REJECTED"]
    assert [row[0] for row in published(night).customers] == ["C1"]


def test_a_retraction_that_was_cut_off_is_finished_by_the_next_run(night: Night) -> None:
    for day, name in ((1, "Ann"), (2, "Bea")):
        night.drop(f"customers/dt=2026-11-0{day}/a.csv", customers({"customer_id": "C1", "first_name": name}))
    night.run()
    run_id, _ = night.plan(retract=("landing/customers/dt=2026-11-02/a.csv",))
    night.load_vault(run_id)
    night.fail(run_id)
    assert published(night).customers[0][1] == "Bea"
    night.run()
    assert published(night).customers[0][1] == "Ann"
