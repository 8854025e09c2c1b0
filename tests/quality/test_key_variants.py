"""Keys that a person takes for one are loaded as different keys, and the run's report counts and names them."""

from typing import Any

import psycopg
import pytest

from functions.model.reading import load_model
from functions.model.render.checks import render_variant_keys
from tests.support.csv_files import customers, transactions
from tests.support.database_state import published
from tests.support.night import Night

RULE = "customers.customer_id.variants"


def observed(report: Any, rule: str = RULE) -> str | None:
    """What the report says of the rule; None when it passed."""
    return next((check["observed"] for check in report["checks"] if check["rule"] == rule), None)


def drop(night: Night, day: int, *keys: str) -> None:
    night.drop(f"customers/dt=2024-01-0{day}/a.csv", customers(*({"customer_id": key} for key in keys)))


@pytest.mark.parametrize(
    ("known", "new"),
    [
        ("C1", "c1"),
        ("C1", "C1 "),
        (" c1", "C1"),
        ("C1", "C\u200b1"),
        ("C\u00a01", "C1"),
        ("Zoé", "Zoe\u0301"),
        ("C1", "\uff231"),
        ("c 1", "C\t1"),
    ],
)
def test_a_new_key_that_hardly_differs_from_a_known_one_is_another_key_and_is_named(
    night: Night, known: str, new: str
) -> None:
    drop(night, 1, known, "other", "C12")
    assert observed(night.run()) is None
    drop(night, 2, new)
    said = observed(night.run())
    assert said is not None
    assert "1 of 1 new keys" in said
    assert f"{new!a} and {known!a}" in said
    assert len(published(night).customers) == 4
    drop(night, 3, new, "another")
    assert observed(night.run()) is None, "of a known key nothing is said again"


def test_two_new_keys_of_one_file_and_keys_of_other_sources_are_compared(night: Night) -> None:
    drop(night, 1, "C1", "c1", "C2")
    said = observed(night.run())
    assert said is not None
    assert "2 of 3 new keys" in said
    night.drop("transactions/dt=2024-01-02/a.csv", transactions({"customer_id": "C2 "}))
    assert "1 of 1 new keys" in str(observed(night.run(), "transactions.customer_id.variants"))


def test_a_key_whose_form_is_longer_than_itself_is_loaded(night: Night) -> None:
    drop(night, 1, "\ufdfa" * 333)
    assert night.run()["totals"]["loaded"] == 1


def test_the_new_keys_of_a_night_are_found_by_indexes(night: Night) -> None:
    with psycopg.connect(night.admin_url) as connection:
        connection.execute(
            "insert into raw_vault.hub_customer (customer_hash_key, customer_id, loaded_at, record_source, record_row)"
            " select sha256(n::text::bytea), 'C' || n, now(), 1 + n / 1000, n from generate_series(1, 50000) as n"
        )
        connection.execute("analyze raw_vault.hub_customer")
        plan = connection.execute(
            psycopg.sql.SQL("explain {}").format(render_variant_keys(load_model(), "hub_customer")),
            {"object_ids": [7]},
        ).fetchall()
        connection.rollback()
    assert not any("Seq Scan" in line for (line,) in plan), plan
