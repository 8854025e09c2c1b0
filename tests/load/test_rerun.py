"""Loading again changes nothing: the same objects, the same content under other names, the same content later."""

import gzip

from tests.support.csv_files import customers, transactions
from tests.support.database_state import everything, published
from tests.support.night import Night
from tests.support.shop import SHOP

ANN = customers({"customer_id": "C1", "first_name": "Ann"})


def test_a_rerun_of_the_same_files_changes_nothing(night: Night) -> None:
    for key, content in SHOP.items():
        night.drop(key, content)
    night.run()
    before = everything(night)
    filled = [table for table, rows in before.items() if rows]
    assert len(filled) == 16, "every table of vault and marts that a night without snapshots fills"
    report = night.run()
    assert (report["status"], report["files"]) == ("SUCCEEDED", [])
    assert everything(night) == before


def test_an_empty_night_succeeds_and_says_so(night: Night) -> None:
    report = night.run()
    assert (report["status"], report["files"], report["totals"]["rows_read"]) == ("SUCCEEDED", [], 0)


def test_the_same_content_at_the_same_instant_is_loaded_once_whatever_its_name(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", ANN)
    night.run()
    before = everything(night)
    night.drop("customers/dt=2024-01-01/b.csv", ANN)
    night.drop("customers/dt=2024-01-01/c.csv.gz", gzip.compress(ANN.encode()))
    night.drop("customers/dt=2024-01-01/a.csv", ANN)
    report = night.run()
    assert [file["status"] for file in report["files"]] == ["REPEATED"] * 3
    assert all(file["reason"] and file["rows_read"] == 0 for file in report["files"])
    assert everything(night) == before


def test_copies_dropped_together_are_loaded_once(night: Night) -> None:
    for name in ("a", "b", "c"):
        night.drop(f"transactions/dt=2024-01-01/{name}.csv", transactions({}))
    report = night.run()
    assert sorted(file["status"] for file in report["files"]) == ["LOADED", "REPEATED", "REPEATED"]
    assert report["totals"]["rows_read"] == report["totals"]["loaded"] == 1


def test_the_same_content_is_no_repetition_in_another_source(night: Night) -> None:
    text = "customer_id,product_id\nC1,P1\n"
    night.drop("customers/dt=2024-01-01/a.csv", text)
    night.drop("products/dt=2024-01-01/a.csv", text)
    assert [file["status"] for file in night.run()["files"]] == ["LOADED", "LOADED"]


def test_the_same_content_at_another_instant_is_loaded_and_finds_its_rows_unchanged(night: Night) -> None:
    for key, content in SHOP.items():
        night.drop(key, content)
    night.run()
    before = everything(night)
    for key, content in SHOP.items():
        night.drop(key.replace("dt=2024-01", "dt=2024-02"), content)
    report = night.run()
    totals = report["totals"]
    assert [file["status"] for file in report["files"]] == ["LOADED"] * 3
    assert (totals["loaded"], totals["duplicate"], totals["quarantined"]) == (0, 0, 0)
    assert totals["unchanged"] == totals["rows_read"] == 17
    assert everything(night) == before


def test_the_same_values_written_otherwise_are_unchanged(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({"total_amount": "10.00", "quantity": "1"}))
    night.run()
    same = {"total_amount": "+10.0", "unit_price": "010", "quantity": "01", "order_date": "2024-01-01 12:00:00+02:00"}
    night.drop("transactions/dt=2024-01-02/a.csv", transactions(same))
    assert night.run()["totals"]["unchanged"] == 1


def test_a_small_change_rewrites_only_the_rows_that_it_touches(night: Night) -> None:
    for key, content in SHOP.items():
        night.drop(key, content)
    night.run()
    night.drop("transactions/dt=2024-02-01/a.csv", transactions({"transaction_id": "T5", "customer_id": "C9"}))
    night.drop("customers/dt=2024-02-01/a.csv", ANN)
    written = {step["step"]: step["rows"] for step in night.run()["steps"]}
    # T5 has a line of another product now; C1 has a new name, C9 another line
    assert [written[f"mart_{name}"] for name in ("order_line", "customer_360", "product_analytics")] == [1, 2, 2]


def test_an_empty_value_differs_from_none_of_its_neighbours(night: Night) -> None:
    """Values that run together when they are joined are different rows."""
    pairs = [("a", ""), ("", "a"), ("a1:b", ""), ("a", "1:b"), ("~", ""), ("", "~"), ("s1:a", ""), ("", "")]
    for number, (first, last) in enumerate(pairs):
        row = {"customer_id": "C1", "first_name": first, "last_name": last}
        night.drop(f"customers/dt=2024-01-{number + 1:02}/a.csv", customers(row))
    assert night.run()["totals"]["loaded"] == len(pairs)
    (current,) = published(night).customers
    assert current[1:3] == (None, None)
