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
