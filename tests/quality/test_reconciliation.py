"""Sums are followed from the file to the marts, and a run stops where one is lost on the way."""

import psycopg
import pytest

from functions.common.errors import QualityError
from functions.load.marts.rebuild import rebuild
from tests.support.csv_files import transactions
from tests.support.database_state import everything
from tests.support.night import Night

LINES = transactions(
    {"total_amount": "10.01", "quantity": "2"},
    {"total_amount": "10.01", "quantity": "2"},
    {"transaction_id": "T2", "total_amount": "-3.5", "quantity": "-1"},
    {"transaction_id": "", "total_amount": "100", "quantity": "many"},
)


def measures(night: Night) -> dict[str, dict[str, str]]:
    ((measures,),) = night.rows("select measures from metadata.object_version order by object_id desc limit 1")
    return {name: {place: str(float(value)) for place, value in sums.items()} for name, sums in measures.items()}


def staged(night: Night) -> str:
    night.drop("transactions/dt=2024-01-01/a.csv", LINES)
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    return run_id


def spoil(night: Night, statement: str) -> None:
    """Change rows behind the load's back, as a defect would."""
    with psycopg.connect(night.admin_url) as connection:
        assert connection.execute(statement.encode()).rowcount > 0


def test_each_measure_is_told_from_file_to_vault(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", LINES)
    night.run()
    assert measures(night) == {
        "quantity": {
            "file": "3.0",
            "quarantined": "0.0",
            "staged": "3.0",
            "vault": "1.0",
            "duplicate": "2.0",
            "overruled": "0.0",
        },
        "total_amount": {
            "file": "116.52",
            "quarantined": "100.0",
            "staged": "16.52",
            "vault": "6.51",
            "duplicate": "10.01",
            "overruled": "0.0",
        },
    }
    night.drop("transactions/dt=2024-01-02/a.csv", LINES)
    night.run()
    assert measures(night)["total_amount"]["vault"] == "6.51", "rows that change nothing count too"


def test_an_amount_that_is_lost_in_staging_stops_the_run(night: Night) -> None:
    run_id = staged(night)
    spoil(night, "update staging.transactions set total_amount = 0 where transaction_id = 'T2'")
    night.load_vault(run_id)
    with pytest.raises(QualityError, match=r"measures\.reconciled: .*total_amount"):
        night.check(run_id, "vault")


def test_an_amount_that_is_changed_in_the_vault_stops_the_run(night: Night) -> None:
    run_id = staged(night)
    night.load_vault(run_id)
    spoil(night, "update raw_vault.sat_order_line set total_amount = total_amount + 0.01 where quantity = -1")
    with pytest.raises(QualityError, match=r"measures\.reconciled: .*total_amount"):
        night.check(run_id, "vault")


def test_a_row_that_is_lost_on_its_way_to_the_vault_stops_the_run(night: Night) -> None:
    run_id = staged(night)
    night.load_vault(run_id)
    spoil(night, "update metadata.object_version set rows_read = rows_read + 1")
    with pytest.raises(QualityError, match=r"rows\.accounted"):
        night.check(run_id, "vault")


@pytest.mark.parametrize(
    ("lost", "rule"),
    [
        ("delete from raw_vault.sat_customer_order_effectivity", "vw_order_analytics.total_amount is 0"),
        ("delete from raw_vault.hub_product where product_id = 'P1'", "vw_order_analytics.lines is 0"),
    ],
)
def test_marts_that_do_not_add_up_are_not_published(night: Night, lost: str, rule: str) -> None:
    run_id = staged(night)
    night.load_vault(run_id)
    spoil(night, lost)
    with pytest.raises(QualityError, match=rule):
        night.publish(run_id)
    assert night.rows("select count(*) from business_vault.vw_order_analytics") == [(0,)]


def test_a_rebuild_that_does_not_add_up_changes_nothing(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", LINES)
    night.run()
    before = everything(night)["business_vault.mart_order_line"]
    spoil(night, "delete from raw_vault.hub_order where transaction_id = 'T1'")
    with pytest.raises(QualityError, match="total_amount"), psycopg.connect(night.admin_url) as connection:
        rebuild(connection)
    assert everything(night)["business_vault.mart_order_line"] == before
