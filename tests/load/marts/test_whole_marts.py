"""A night that changes most order lines computes all rows anew, and writes those that differ."""

from typing import Any

import psycopg
import pytest
from psycopg import sql

from functions.load.marts import publish as publication
from functions.load.marts.rebuild import rebuild
from functions.model.render import marts as render_marts
from tests.support.csv_files import Row, transactions
from tests.support.database_state import published
from tests.support.night import Night


@pytest.fixture(autouse=True)
def every_night_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_touched(*_arguments: Any) -> None:
        raise AssertionError("this night does not look for touched keys")

    monkeypatch.setattr(render_marts, "FEW_KEYS", 0)
    monkeypatch.setattr(publication, "_find_touched", find_touched)


def order(number: int, **changed: str) -> Row:
    return {"transaction_id": f"T{number}", "customer_id": f"C{number}", "product_id": f"P{number}", **changed}


def load(night: Night, run_id: str) -> None:
    _, object_ids = night.plan(run_id)
    night.stage(run_id, object_ids)
    night.load_vault(run_id)
    night.check(run_id, "vault")


def first_night(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(*(order(number) for number in range(1, 4))))
    night.run("first")


def test_readers_see_the_night_before_until_the_instant_the_new_one_ends(night: Night) -> None:
    first_night(night)
    before = published(night)
    night.drop(
        "transactions/dt=2024-01-02/b.csv", transactions(order(1, quantity="5"), order(2, quantity="7"), order(4))
    )
    load(night, "second")
    with night.connect() as connection:
        publication.publish(connection, "second")
        assert published(night) == before, "while it is published"
    assert published(night) != before
    lines = night.rows("select transaction_id, quantity from business_vault.vw_order_analytics order by 1")
    assert [line[0] for line in lines] == ["T1", "T2", "T3", "T4"]
    assert dict(lines)["T2"] == 7


def test_rows_that_are_as_they_were_are_not_written_again(night: Night) -> None:
    first_night(night)
    places = "select transaction_id, ctid::text from business_vault.mart_order_line order by 1"
    customers = "select customer_id, ctid::text from business_vault.mart_customer_360 order by 1"
    before, customers_before = dict(night.rows(places)), dict(night.rows(customers))
    night.drop("transactions/dt=2024-01-02/b.csv", transactions(order(1, quantity="5"), order(2, quantity="7")))
    load(night, "second")
    night.publish("second")
    moved = {key for key, place in night.rows(places) if before[key] != place}
    assert moved == {"T1", "T2"}
    assert {key for key, place in night.rows(customers) if customers_before[key] != place} <= {"C1", "C2"}


def test_the_tables_that_a_publication_works_with_are_gone_after_it(night: Night) -> None:
    first_night(night)
    assert night.rows("select tablename from pg_tables where tablename in ('counted_object', 'new_row')") == []


def test_two_processes_compute_what_one_does(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(*(order(number) for number in range(1, 500))))
    night.drop("transactions/dt=2024-01-02/b.csv", transactions(*(order(number, quantity="3") for number in range(9))))
    eager = sql.SQL("alter role c360_loader in database {} set {} = '0'")
    with psycopg.connect(night.admin_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        for setting in ("min_parallel_table_scan_size", "min_parallel_index_scan_size"):
            connection.execute(eager.format(database, sql.Identifier(setting)))
    night.run("by two")
    by_two = published(night)
    with night.connect() as connection:
        connection.execute("set max_parallel_workers_per_gather = 0")
        rebuild(connection)
    assert published(night) == by_two
