"""A complete list that lacks too many keys is held, alone; what cannot be read in a list is not absent from it."""

import pytest

from tests.support.check_results import model_with, result_of
from tests.support.csv_files import customers, products, transactions
from tests.support.night import Night

LIST = "customers/snapshot/dt=2026-01-02/all.csv"


def listed(*numbers: int) -> str:
    """A complete list of the customers with these numbers."""
    return customers(*({"customer_id": f"C{number}", "first_name": "Ann"} for number in numbers))


def deleted(night: Night) -> int:
    """How many customers count as deleted now."""
    [(count,)] = night.rows("select count(*) from business_vault.vw_customer_360 where is_deleted")
    return int(count)


def statuses(report: dict[str, object]) -> dict[str, object]:
    files = report["files"]
    assert isinstance(files, list)
    return {file["key"].rpartition("=")[2]: file["status"] for file in files}


@pytest.fixture
def known(night: Night) -> Night:
    """Forty customers are known."""
    night.drop("customers/snapshot/dt=2026-01-01/all.csv", listed(*range(40)))
    night.run()
    return night


def test_a_list_that_lacks_too_many_keys_is_held_alone(known: Night) -> None:
    known.drop(LIST, listed(*range(31)))
    known.drop("products/dt=2026-01-02/p.csv", products({"product_id": "P1"}))
    report = known.run()
    assert report["status"] == "SUCCEEDED"
    assert statuses(report) == {"2026-01-02/all.csv": "HELD", "2026-01-02/p.csv": "LOADED"}
    held = next(file for file in report["files"] if file["status"] == "HELD")
    assert "9 of 40 keys deleted, more than 20%" in held["reason"]
    assert report["held"] == 1
    assert deleted(known) == 0
    assert result_of(known, "customers.snapshot")[0] is False
    assert known.run()["files"] == []


@pytest.mark.parametrize("left", [32, 40], ids=["a fifth is missing", "nothing is missing"])
def test_a_list_from_which_a_fifth_is_missing_is_loaded(known: Night, left: int) -> None:
    known.drop(LIST, listed(*range(left)))
    known.run()
    assert deleted(known) == 40 - left


def test_a_few_keys_may_always_be_missing(night: Night) -> None:
    night.drop("customers/snapshot/dt=2026-01-01/all.csv", listed(*range(6)))
    night.run()
    night.drop(LIST, listed(0))
    night.run()
    assert deleted(night) == 5


def test_keys_that_are_deleted_already_count_no_more(known: Night) -> None:
    known.drop(LIST, listed(*range(33)))
    known.run()
    known.drop("customers/snapshot/dt=2026-01-03/all.csv", listed(*range(27)))
    known.run()
    assert result_of(known, "customers.snapshot")[1] == 6
    known.drop("customers/snapshot/dt=2026-01-04/all.csv", listed(*range(21)))
    (file,) = known.run()["files"]
    assert "6 of 27" in file["reason"]


def test_a_list_is_compared_with_an_earlier_one_of_the_same_run(night: Night) -> None:
    night.drop("customers/snapshot/dt=2026-01-01/all.csv", listed(*range(100)))
    night.drop("customers/snapshot/dt=2026-01-03/all.csv", listed(0, 1, 2))
    assert statuses(night.run()) == {"2026-01-01/all.csv": "LOADED", "2026-01-03/all.csv": "HELD"}
    assert deleted(night) == 0


def test_it_is_compared_with_the_runs_deltas_before_it_and_not_with_a_held_list(night: Night) -> None:
    night.drop("customers/dt=2026-01-01/delta.csv", listed(*range(40)))
    night.drop("customers/snapshot/dt=2026-01-02/all.csv", listed(0))
    night.drop("customers/snapshot/dt=2026-01-03/all.csv", listed(*range(38)))
    report = night.run()
    assert statuses(report) == {
        "2026-01-01/delta.csv": "LOADED",
        "2026-01-02/all.csv": "HELD",
        "2026-01-03/all.csv": "LOADED",
    }
    assert deleted(night) == 2


@pytest.mark.parametrize("together", [True, False], ids=["in one run", "one run each"])
def test_a_list_in_parts_is_one_list(known: Night, together: bool) -> None:
    for part in range(4):
        known.drop(f"customers/snapshot/dt=2026-01-02/part-{part}.csv", listed(*range(part * 10, part * 10 + 10)))
        if not together:
            known.run(accept_deletions=True)
    if together:
        known.run()
    assert deleted(known) == 0


def test_deletions_that_somebody_accepts_are_loaded(known: Night) -> None:
    known.drop(LIST, listed(0))
    known.run()
    (file,) = known.run(files=(f"landing/{LIST}",), accept_deletions=True)["files"]
    assert file["status"] == "LOADED"
    assert deleted(known) == 39


def test_a_held_list_that_is_dropped_is_not_loaded(known: Night) -> None:
    known.drop(LIST, listed(0))
    known.run()
    (file,) = known.run(retract=(f"landing/{LIST}",))["files"]
    assert file["status"] == "RETRACTED"
    assert known.run(accept_deletions=True)["files"] == []
    assert deleted(known) == 0


@pytest.mark.parametrize("removed", [True, False], ids=["removed and dropped again", "replaced"])
def test_a_held_list_is_replaced(known: Night, removed: bool) -> None:
    known.drop(LIST, listed(0))
    known.run()
    if removed:
        known.remove(LIST)
    known.drop(LIST, listed(*range(39)))
    report = known.run()
    assert sorted(file["status"] for file in report["files"]) == ["LOADED", "WITHDRAWN"]
    assert deleted(known) == 1


def test_with_severity_warn_a_list_is_loaded_all_the_same(known: Night) -> None:
    known.model = model_with({"snapshot": {"severity": "warn", "limit": "20%", "at_least": 5}})
    known.drop(LIST, listed(0))
    assert known.run()["held"] == 0
    assert deleted(known) == 39


def test_the_customer_of_a_rejected_row_is_not_missing(night: Night) -> None:
    night.drop("customers/snapshot/dt=2026-01-01/all.csv", listed(1, 2, 3))
    night.run()
    rows = customers({"customer_id": "C1"}, {"customer_id": "C2", "signup_date": "31/12/2024"})
    night.drop(LIST, rows)
    (file,) = night.run()["files"]
    assert (file["status"], file["quarantined"]) == ("LOADED", 1)
    assert night.rows("select customer_id from business_vault.vw_customer_360 where is_deleted") == [("C3",)]


def test_a_line_whose_key_cannot_be_read_lets_the_lists_deletions_wait(night: Night) -> None:
    night.drop("customers/snapshot/dt=2026-01-01/all.csv", listed(1, 2, 3))
    night.run()
    night.drop(LIST, listed(1, 2) + 'C3,"broken\n')
    (file,) = night.run()["files"]
    assert file["status"] == "HELD"
    assert "key cannot be read" in file["reason"]
    (file,) = night.run(accept_deletions=True)["files"]
    assert file["status"] == "LOADED"
    assert deleted(night) == 1


def test_a_line_whose_key_cannot_be_read_holds_up_no_list_that_lacks_nothing(night: Night) -> None:
    night.drop("customers/snapshot/dt=2026-01-01/all.csv", listed(1, 2))
    night.run()
    night.drop(LIST, listed(1, 2) + 'C3,"broken\n')
    assert [file["status"] for file in night.run()["files"]] == ["LOADED"]


def test_the_order_of_a_rejected_line_is_not_missing_from_a_list_of_orders(night: Night) -> None:
    lines = [{"transaction_id": f"T{number}", "line_number": "1"} for number in range(3)]
    night.drop("transactions/snapshot/dt=2026-01-01/all.csv", transactions(*lines))
    night.run()
    night.drop("transactions/snapshot/dt=2026-01-02/all.csv", transactions(lines[0], {**lines[1], "quantity": "two"}))
    (file,) = night.run()["files"]
    assert (file["status"], file["quarantined"]) == ("LOADED", 1)
    in_force = night.rows("select transaction_id from business_vault.vw_order_analytics order by 1")
    assert in_force == [("T0",), ("T1",)]


def test_a_list_of_unnumbered_lines_is_judged_by_its_orders(night: Night) -> None:
    def listed_orders(amount: str, *numbers: int) -> str:
        return transactions(
            *(
                {"transaction_id": f"T{n}", "product_id": product, "total_amount": amount}
                for n in numbers
                for product in "AB"
            )
        )

    night.drop("transactions/snapshot/dt=2026-01-01/all.csv", listed_orders("1.00", *range(20)))
    night.run()
    night.drop("transactions/snapshot/dt=2026-01-02/all.csv", listed_orders("2.00", *range(19)))
    (file,) = night.run()["files"]
    assert file["status"] == "LOADED", "each amount is corrected, and one order is gone"
    assert result_of(night, "transactions.snapshot")[1] == 1
    night.drop("transactions/snapshot/dt=2026-01-03/all.csv", listed_orders("2.00", *range(9)))
    (file,) = night.run()["files"]
    assert "10 of 19 keys deleted" in file["reason"]
