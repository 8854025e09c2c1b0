"""History: every change is a version, and the last by instant, key, object version and line is in force."""

import time
from itertools import permutations

import pytest

from tests.support import oracle
from tests.support.csv_files import COLUMNS, customers, products, transactions
from tests.support.database_state import published, versions
from tests.support.night import Night

# first name, last name -> file
ANN, BEA, CAT = ({"customer_id": "C1", "first_name": name} for name in ("Ann", "Bea", "Cat"))


def customer_versions(night: Night) -> list[object]:
    return [row[1] for row in versions(night, "sat_customer_details", "hub_customer", "first_name")]


def test_there_and_back_again_across_nights_is_three_versions(night: Night) -> None:
    for day, row in enumerate((ANN, BEA, ANN), 1):
        night.drop(f"customers/dt=2024-01-0{day}/a.csv", customers(row))
        assert night.run()["totals"]["loaded"] == 1
    assert customer_versions(night) == ["Ann", "Bea", "Ann"]
    assert published(night).customers[0][1] == "Ann"


def test_of_several_rows_of_one_key_in_one_file_the_last_is_the_version_every_night(night: Night) -> None:
    """The others are overruled, which a check says, and the same again changes nothing."""
    for day, loaded in ((1, 1), (2, 0), (3, 0)):
        night.drop(f"customers/dt=2024-01-0{day}/a.csv", customers(ANN, BEA, ANN, BEA))
        (file,) = night.run()["files"]
        assert (file["rows_read"], file["loaded"], file["unchanged"]) == (4, loaded, 1 - loaded)
        assert (file["duplicate"], file["overruled"]) == (3, 1), "one of the three says something else, twice"
    assert customer_versions(night) == ["Bea"]
    assert (
        night.rows("select passed, measured from metadata.quality_result where rule = 'customers.overruled'")
        == [(False, 1)] * 3
    )
    observed = "select observed from metadata.quality_result where rule = 'customers.overruled' order by checked_at"
    assert "landing/customers/dt=2024-01-01/a.csv" in night.rows(observed)[0][0]


def test_a_row_that_a_later_one_repeats_is_a_duplicate(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN, ANN, BEA, BEA, BEA, ANN))
    totals = night.run()["totals"]
    assert totals == {
        "rows_read": 6,
        "loaded": 1,
        "unchanged": 0,
        "duplicate": 5,
        "quarantined": 0,
        "overruled": 1,
    }
    night.drop("customers/dt=2024-01-02/a.csv", customers(ANN, ANN, CAT, CAT))
    totals = night.run()["totals"]
    assert totals == {
        "rows_read": 4,
        "loaded": 1,
        "unchanged": 0,
        "duplicate": 3,
        "quarantined": 0,
        "overruled": 1,
    }


def test_of_lines_that_disagree_on_their_order_the_last_one_counts_and_a_check_names_the_order(night: Night) -> None:
    other = {"product_id": "P2", "order_status": "pending", "customer_id": "C2"}
    fine = {"transaction_id": "T2", "line_number": "1"}
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(other, {}, {}, fine, {**fine, "line_number": "2"}))
    totals = night.run()["totals"]
    assert (totals["loaded"], totals["duplicate"]) == (4, 1)
    states = versions(night, "sat_order_details", "hub_order", "order_status")
    assert states == [("T1", "completed"), ("T2", "completed")]
    assert {row[2] for row in published(night).lines} == {"C1"}
    rule = "transactions.transaction_id.agreement"
    assert night.rows(f"select passed, measured, observed from metadata.quality_result where rule = '{rule}'") == [
        (False, 1, "1 of 2 keys whose rows disagree, the last row counts: T1")
    ]


def test_a_late_file_does_not_overwrite_newer_values(night: Night) -> None:
    newer = {"products/dt=2024-01-05/a.csv": products({"product_id": "P1", "price": "2"})}
    newer |= {"customers/dt=2024-01-05/a.csv": customers(BEA)}
    newer |= {"transactions/dt=2024-01-05/a.csv": transactions({"customer_id": "C2", "total_amount": "2"})}
    late = {"products/dt=2024-01-01/z.csv": products({"product_id": "P1", "price": "1"})}
    late |= {"customers/dt=2024-01-01/z.csv": customers(ANN)}
    late |= {"transactions/dt=2024-01-01/z.csv": transactions({"customer_id": "C1", "total_amount": "1"})}
    for files in (newer, late):
        for key, content in files.items():
            night.drop(key, content)
        assert night.run()["totals"]["loaded"] == 3
        assert published(night).customers[-1][0] == "C2"
        assert published(night).lines == oracle.marts(newer.items()).lines
    assert published(night) == oracle.marts([*newer.items(), *late.items()])
    assert customer_versions(night) == ["Ann", "Bea"]


def test_a_late_file_before_an_unchanged_observation_does_not_overwrite_it(night: Night) -> None:
    for day, row in ((1, ANN), (3, ANN), (2, BEA)):
        night.drop(f"customers/dt=2024-01-0{day}/a.csv", customers(row))
        night.run()
    assert published(night).customers[0][1] == "Ann"


def test_files_of_one_instant_follow_each_other_by_key(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/b.csv", customers(BEA))
    night.run()
    time.sleep(1.1)  # S3 gives upload times in whole seconds, and they must not matter here
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN))
    night.run()
    assert customer_versions(night) == ["Ann", "Bea"]
    assert published(night).customers[0][1] == "Bea"


def test_keys_follow_each_other_by_their_bytes(night: Night) -> None:
    """Not by a language's alphabet: Z before a, and a-1 before a.csv."""
    for name, row in (("a.csv", CAT), ("a-1.csv", BEA), ("Z.csv", ANN)):
        night.drop(f"customers/dt=2024-01-01/{name}", customers(row))
    night.run()
    assert customer_versions(night) == ["Ann", "Bea", "Cat"]
    collation = (
        "select collation_name from information_schema.columns"
        " where (table_name, column_name) = ('object_version', 'object_key')"
    )
    assert night.rows(collation) == [("C",)], "whatever the database's own"


def test_an_overwritten_object_replaces_what_it_said_before(night: Night) -> None:
    for row in (BEA, ANN, CAT):
        night.drop("customers/dt=2024-01-01/a.csv", customers(row))
    report = night.run()
    assert [(file["status"], file["loaded"]) for file in report["files"]] == [
        *(("REPLACED", 0), ("REPLACED", 0), ("LOADED", 1))
    ]
    assert customer_versions(night) == ["Cat"]
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C2", "city": "Rome"}))
    night.run()
    assert [row[0] for row in published(night).customers] == ["C2"], "who is not in it any more is gone"


def test_a_file_without_a_date_is_in_force_from_its_upload(night: Night) -> None:
    night.drop("customers/a.csv", customers(BEA))
    night.drop("customers/dt=2024-01-01/z.csv", customers(ANN))
    night.run()
    assert customer_versions(night) == ["Ann", "Bea"]
    shown = night.rows(
        "select s.effective_at = o.uploaded_at from raw_vault.sat_customer_details as s"
        " join metadata.object_version as o on o.object_id = s.record_source"
        " where o.object_key = 'landing/customers/a.csv'"
    )
    assert shown == [(True,)]


def _line(product: str, customer: str, amount: int, status: str) -> dict[str, str]:
    return {"product_id": product, "customer_id": customer, "total_amount": f"{amount}.5", "order_status": status}


ARRIVING = {
    "transactions/dt=2024-01-01/a.csv": transactions(_line("P1", "C1", 1, "pending"), _line("P2", "C1", 2, "pending")),
    "transactions/dt=2024-01-02/a.csv": transactions(_line("P1", "C2", 3, "paid")),
    "transactions/dt=2024-01-02/b.csv": transactions(_line("P1", "C1", 4, "sent"), _line("P1", "", 5, "sent")),
    "customers/dt=2024-01-03/a.csv": customers(ANN, {"customer_id": "C2", "first_name": "Cleo"}),
}


@pytest.mark.parametrize("order", list(permutations(range(4)))[::6])
def test_the_order_of_arrival_does_not_change_what_is_in_force(night: Night, order: tuple[int, ...]) -> None:
    files = list(ARRIVING.items())
    for number in order:
        night.drop(*files[number])
        report = night.run()
        assert report["totals"]["loaded"] == report["totals"]["rows_read"]
    assert published(night) == oracle.marts(files)
    in_force = versions(night, "sat_order_details", "hub_order", "order_status")
    assert [row[1] for row in in_force] == ["pending", "paid", "sent"]


def test_a_value_that_vanishes_is_a_version_too(night: Night) -> None:
    assert "first_name" in COLUMNS["customers"]
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN))
    night.drop("customers/dt=2024-01-02/a.csv", customers({**ANN, "first_name": ""}))
    assert night.run()["totals"]["loaded"] == 2
    assert published(night).customers[0][1] is None


def test_counts_add_up_for_every_file_of_a_mixed_night(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers(ANN, ANN, {"first_name": "nobody"}, BEA))
    night.drop("customers/dt=2024-01-02/a.csv", customers(BEA, {**CAT, "signup_date": "soon"}))
    night.drop("customers/dt=2024-01-03/a.csv", customers())
    night.drop("customers/dt=2024-01-04/a.csv", customers({"first_name": "nobody"}))
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({}, {"quantity": "two"}, {}))
    files = {file["key"].removeprefix("landing/"): file for file in night.run()["files"]}
    counts = ("rows_read", "loaded", "unchanged", "duplicate", "quarantined")
    assert {key: tuple(file[count] for count in counts) for key, file in files.items()} == {
        "customers/dt=2024-01-01/a.csv": (4, 1, 0, 2, 1),
        "customers/dt=2024-01-02/a.csv": (2, 0, 1, 0, 1),
        "customers/dt=2024-01-03/a.csv": (0, 0, 0, 0, 0),
        "customers/dt=2024-01-04/a.csv": (1, 0, 0, 0, 1),
        "transactions/dt=2024-01-01/a.csv": (3, 1, 0, 1, 1),
    }
    for file in files.values():
        assert file["status"] == "LOADED"
        assert file["rows_read"] == sum(file[count] for count in counts[1:])
