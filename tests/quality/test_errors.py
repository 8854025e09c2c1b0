"""A check of severity error stops the run where it stands; when the cause is mended, the run goes on from there."""

from typing import Any

import pytest

from functions.common.errors import QualityError
from tests.support.check_results import TODAY, model_with, result_of
from tests.support.csv_files import customers, transactions
from tests.support.night import Night


def listed(*numbers: int) -> str:
    """A complete list of the customers with these numbers."""
    return customers(*({"customer_id": f"C{number}", "first_name": "Ann"} for number in numbers))


def deleted(night: Night) -> int:
    """How many customers count as deleted now."""
    [(count,)] = night.rows(
        "select count(*) from (select distinct on (customer_hash_key) is_deleted"
        " from raw_vault.sat_customer_status as s join metadata.object_version as o on o.object_id = s.record_source"
        " order by customer_hash_key, s.effective_at desc, object_key desc, uploaded_at desc, object_id desc)"
        " as last where is_deleted"
    )
    return int(count)


def vault_rows(night: Night) -> list[tuple[Any, ...]]:
    return night.rows("select count(*) from raw_vault.hub_order union all select count(*) from raw_vault.hub_customer")


def stopped(night: Night) -> tuple[str, QualityError]:
    """A night that a check on staging stops, recorded in the ledger."""
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    with pytest.raises(QualityError) as raised:
        night.check(run_id, "staging")
    night.fail(run_id)
    return run_id, raised.value


def test_a_run_that_a_rule_stopped_goes_on_once_the_file_is_replaced(night: Night) -> None:
    night.model = model_with({"expression": {"severity": "error", "limit": 0}})
    before = vault_rows(night)
    night.drop(f"transactions/{TODAY}/good.csv", transactions({}))
    night.drop(f"transactions/{TODAY}/bad.csv", transactions({"transaction_id": "T2", "total_amount": "99.00"}))
    run_id, error = stopped(night)
    assert str(error) == "transactions.amount.expression: 1 of 2 rows"
    assert vault_rows(night) == before, "nothing came into the vault"
    assert night.rows(f"select passed from metadata.quality_result where run_id = '{run_id}' and severity = 'error'"
                      " and rule = 'transactions.amount.expression'") == [(False,)]  # fmt: skip
    night.remove(f"transactions/{TODAY}/bad.csv")
    night.drop(f"transactions/{TODAY}/mended.csv", transactions({"transaction_id": "T2", "total_amount": "10.00"}))
    report = night.run()
    assert {(file["key"].rpartition("/")[2], file["status"]) for file in report["files"]} == {
        ("good.csv", "LOADED"),
        ("mended.csv", "LOADED"),
        ("bad.csv", "WITHDRAWN"),
    }
    assert night.rows("select sum(total_amount) from business_vault.vw_order_analytics") == [(20,)]


def test_a_run_that_a_rule_stopped_goes_on_once_the_limit_is_raised(night: Night) -> None:
    night.model = model_with({"unique": {"severity": "error", "limit": 0}})
    night.drop(f"customers/{TODAY}/a.csv", listed(1, 1, 2))
    stopped(night)
    night.model = model_with({"unique": {"severity": "error", "limit": "40%"}})
    assert night.run()["status"] == "SUCCEEDED"
    assert result_of(night, "customers.unique") == (True, 1, "40%")


@pytest.fixture
def known(night: Night) -> Night:
    """Forty customers are known."""
    night.drop("customers/snapshot/dt=2026-01-01/all.csv", listed(*range(40)))
    night.run()
    return night


def test_a_snapshot_from_which_too_many_keys_are_missing_is_stopped(known: Night) -> None:
    known.drop("customers/snapshot/dt=2026-01-02/all.csv", listed(*range(31)))
    _, error = stopped(known)
    assert "landing/customers/snapshot/dt=2026-01-02/all.csv would mark 9 of 40 keys deleted" in str(error)
    assert "more than 20%" in str(error)
    assert deleted(known) == 0


@pytest.mark.parametrize("left", [32, 40], ids=["a fifth is missing", "nothing is missing"])
def test_a_snapshot_from_which_a_fifth_is_missing_is_loaded(known: Night, left: int) -> None:
    known.drop("customers/snapshot/dt=2026-01-02/all.csv", listed(*range(left)))
    known.run()
    assert deleted(known) == 40 - left


def test_a_few_keys_may_always_be_missing(night: Night) -> None:
    night.drop("customers/snapshot/dt=2026-01-01/all.csv", listed(*range(6)))
    night.run()
    night.drop("customers/snapshot/dt=2026-01-02/all.csv", listed(0))
    night.run()
    assert deleted(night) == 5


def test_keys_that_are_deleted_already_count_no_more(known: Night) -> None:
    known.drop("customers/snapshot/dt=2026-01-02/all.csv", listed(*range(33)))
    known.run()
    known.drop("customers/snapshot/dt=2026-01-03/all.csv", listed(*range(27)))
    known.run()
    assert result_of(known, "customers.snapshot")[1] == 6
    known.drop("customers/snapshot/dt=2026-01-04/all.csv", listed(*range(21)))
    _, error = stopped(known)
    assert "6 of 27" in str(error)


def test_deletions_that_somebody_accepts_are_loaded(known: Night) -> None:
    known.drop("customers/snapshot/dt=2026-01-02/all.csv", listed(0))
    stopped(known)
    known.run(accept_deletions=True)
    assert deleted(known) == 39
    [(passed, observed)] = known.rows(
        "select passed, observed from metadata.quality_result where rule = 'customers.snapshot'"
        " order by checked_at desc limit 1"
    )
    assert passed
    assert "39 of 40 keys deleted, which was accepted" in observed


@pytest.mark.parametrize("removed", [True, False], ids=["removed and dropped again", "replaced"])
def test_a_stopped_snapshot_is_replaced(known: Night, removed: bool) -> None:
    key = "customers/snapshot/dt=2026-01-02/all.csv"
    known.drop(key, listed(0))
    stopped(known)
    if removed:
        known.remove(key)
    known.drop(key, listed(*range(39)))
    assert known.run()["status"] == "SUCCEEDED"
    assert deleted(known) == 1
