"""The checks of a large vault go on in the next call, and find what one call would find."""

from functools import partial

import psycopg
import pytest

from functions.common.errors import QualityError
from functions.load.check_vault import STEP, check_in_units
from functions.load.vault import pace
from functions.quality.checks import CheckResult, check_vault, enforce
from tests.support.csv_files import customers, products, transactions
from tests.support.night import Night
from tests.support.sabotage import cut_at_every_statement


@pytest.fixture
def loaded(night: Night) -> tuple[Night, str]:
    """A run whose files are in the vault: several of a source, with repeated and rejected rows."""
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1"}, {"customer_id": "c1"}))
    night.drop("customers/dt=2024-01-02/a.csv", customers({"customer_id": "C1", "city": "Oslo"}, {"customer_id": ""}))
    night.drop("products/dt=2024-01-01/a.csv", products({"product_id": "P1"}))
    night.drop(
        "transactions/dt=2024-01-01/a.csv",
        transactions({"transaction_id": "T1"}, {"transaction_id": "T1"}, {"transaction_id": "T2", "quantity": "x"}),
    )
    night.drop("transactions/dt=2024-01-02/b.csv", transactions({"transaction_id": "T1", "total_amount": "12.34"}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.check(run_id, "staging")
    night.load_vault(run_id)
    return night, run_id


def recorded(night: Night) -> list[tuple[object, ...]]:
    """What checking writes to the ledger: counts and sums of objects, and results."""
    return [
        *night.rows("select object_id, rows_loaded, rows_unchanged, measures::text"
            " from metadata.object_version order by 1"),
        *night.rows(
            "select rule, severity, passed, observed, source, measured, threshold from metadata.quality_result"
            " where stage = 'vault' and rule not like '%.freshness' order by 1"
        ),
    ]  # fmt: skip


def units_left(night: Night) -> int:
    [(count,)] = night.rows("select count(*) from metadata.step_unit")
    return int(count)


def in_one_piece(night: Night, run_id: str) -> list[tuple[object, ...]]:
    with night.connect() as connection, connection.transaction():
        check_vault(connection, night.model, run_id)
    return recorded(night)


def call(night: Night, run_id: str) -> list[CheckResult] | None:
    """As the state machine calls it, with no time left for a second unit."""
    with night.connect() as connection:
        return check_in_units(connection, night.model, run_id, lambda: 0)


def test_checks_in_units_find_what_one_transaction_finds(
    loaded: tuple[Night, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    night, run_id = loaded
    whole = in_one_piece(night, run_id)
    monkeypatch.setattr(pace, "BATCH_ROWS", 1)
    calls = 1
    while (results := call(night, run_id)) is None:
        assert units_left(night) == calls, "each call does one more"
        calls += 1
    assert calls > 15
    assert recorded(night) == whole
    assert any(result.rule == "customers.customer_id.variants" and result.measured for result in results)
    assert units_left(night) == 0
    assert night.rows(f"select count(*) from metadata.load_step where step = '{STEP}'") == [(calls + 1,)]


def test_a_small_night_is_checked_in_one_transaction(loaded: tuple[Night, str]) -> None:
    night, run_id = loaded
    assert call(night, run_id)
    assert night.rows(f"select count(*) from metadata.load_step where step = '{STEP}'") == [(1,)]


def test_checks_killed_anywhere_go_on_and_find_the_same(
    loaded: tuple[Night, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    night, run_id = loaded
    whole = in_one_piece(night, run_id)
    monkeypatch.setattr(pace, "BATCH_ROWS", 1)
    step = partial(check_in_units, model=night.model, run_id=run_id, seconds_left=lambda: 900)
    cuts = sum(1 for _ in cut_at_every_statement(night.connect, step))
    assert cuts > 15
    assert recorded(night) == whole


def test_what_is_repaired_after_a_failure_is_checked_anew(
    loaded: tuple[Night, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    night, run_id = loaded
    monkeypatch.setattr(pace, "BATCH_ROWS", 1)
    lost = "raw_vault.hub_product"
    with psycopg.connect(night.admin_url) as connection:
        connection.execute(f"create table kept as select * from {lost}".encode())
        connection.execute(f"delete from {lost} where product_id = 'P1'".encode())
    night.seconds_left = lambda: 900
    with pytest.raises(QualityError, match=r"products\.hub_product\.loaded: 1 rows without their key"):
        night.check(run_id, "vault")
    with psycopg.connect(night.admin_url) as connection:
        connection.execute(f"insert into {lost} select * from kept where product_id = 'P1'".encode())
    results = None
    while results is None:
        results = call(night, run_id)
    enforce(results)
