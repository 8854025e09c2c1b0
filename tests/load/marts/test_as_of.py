"""The as-of functions: what was true at one instant, as far as it was known at another."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import errors as pg

from tests.support.csv_files import customers, products, transactions
from tests.support.night import Night, role_url

FUNCTIONS = {
    "customer_360_as_of": "customer_id",
    "product_analytics_as_of": "product_id",
    "order_analytics_as_of": "transaction_id",
}
EVER = datetime(2100, 1, 1, tzinfo=UTC)


def as_of(night: Night, function: str, day: int, known: datetime = EVER) -> list[tuple[Any, ...]]:
    """What the API's role reads: key by key, and as a whole."""
    with psycopg.connect(role_url(night.admin_url, "c360_api"), options="-c timezone=UTC") as connection:
        by_key, whole = (
            connection.execute(
                f"select * from business_vault.{form}(%s, %s) order by {FUNCTIONS[function]}".encode(),
                (datetime(2024, 1, day, tzinfo=UTC), known),
            ).fetchall()
            for form in (function, function.replace("_as_of", "_whole_as_of"))
        )
    assert sorted(map(str, whole)) == sorted(map(str, by_key))
    return by_key


def known_after(night: Night) -> datetime:
    """Run a night; the instant at which what it loads counts as known."""
    run_id = night.run()["run_id"]
    ((loaded_at,),) = night.rows(f"select loaded_at from metadata.load_run where run_id = '{run_id}'")
    assert isinstance(loaded_at, datetime)
    return loaded_at


def test_a_customer_is_absent_before_any_file_names_it(night: Night) -> None:
    night.drop("transactions/dt=2024-01-03/a.csv", transactions({"customer_id": "C1", "total_amount": "5"}))
    night.drop("customers/dt=2024-01-05/a.csv", customers({"customer_id": "C1", "first_name": "Ann"}))
    night.run()
    assert as_of(night, "customer_360_as_of", 2) == []
    assert [(*row[:2], *row[10:12]) for row in as_of(night, "customer_360_as_of", 3)] == [("C1", None, 1, 5)]
    assert [(*row[:2], *row[10:12]) for row in as_of(night, "customer_360_as_of", 5)] == [("C1", "Ann", 1, 5)]
    assert [row[0] for row in as_of(night, "product_analytics_as_of", 3)] == ["P1"]
    assert as_of(night, "product_analytics_as_of", 2) == []


def test_a_late_file_changes_what_was_true_but_not_what_was_known(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1", "first_name": "Ann"}))
    night.drop("customers/dt=2024-01-05/a.csv", customers({"customer_id": "C1", "first_name": "Ann"}))
    before = known_after(night)
    night.drop("customers/dt=2024-01-03/a.csv", customers({"customer_id": "C1", "first_name": "Bea"}))
    after = known_after(night)

    def names(known: datetime) -> list[object]:
        return [as_of(night, "customer_360_as_of", day, known)[0][1] for day in (1, 3, 4, 5)]

    assert names(before) == ["Ann", "Ann", "Ann", "Ann"]
    assert names(after) == ["Ann", "Bea", "Bea", "Ann"]


def test_an_order_belongs_to_its_customer_of_that_time(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions({"customer_id": "C1", "total_amount": "7"}))
    night.drop("transactions/dt=2024-01-03/a.csv", transactions({"customer_id": "C2", "total_amount": "8"}))
    night.drop("transactions/dt=2024-01-05/a.csv", transactions({"customer_id": "", "total_amount": "8"}))
    night.run()

    def owners(day: int) -> list[tuple[object, ...]]:
        return [(row[2], row[7]) for row in as_of(night, "order_analytics_as_of", day)]

    assert [owners(day) for day in (1, 3, 5)] == [[("C1", 7)], [("C2", 8)], [(None, 8)]]
    assert [row[10:12] for row in as_of(night, "customer_360_as_of", 3)] == [(0, 0), (1, 8)]


def test_what_is_deleted_is_absent_until_it_comes_back(night: Night) -> None:
    for day, listed in ((1, ["1", "2"]), (2, ["2"]), (3, ["1", "2"])):
        night.drop(
            f"customers/snapshot/dt=2024-01-0{day}/a.csv", customers(*({"customer_id": f"C{n}"} for n in listed))
        )
        night.drop(f"products/snapshot/dt=2024-01-0{day}/a.csv", products(*({"product_id": f"P{n}"} for n in listed)))
        night.drop(
            f"transactions/snapshot/dt=2024-01-0{day}/a.csv",
            transactions(*({"transaction_id": f"T{n}", "product_id": f"P{n}", "customer_id": "C2"} for n in listed)),
        )
    night.run()
    for function in FUNCTIONS:
        assert [len(as_of(night, function, day)) for day in (1, 2, 3)] == [2, 1, 2], function
    assert [row[10] for day in (1, 2, 3) for row in as_of(night, "customer_360_as_of", day) if row[0] == "C2"] == [
        *(2, 1, 2)
    ]


def test_one_key_is_looked_up_by_index_and_so_is_all_its_history(night: Night) -> None:
    named = (
        {"transaction_id": f"T{n}", "customer_id": f"C{n % 500}", "product_id": f"P{n % 500}"} for n in range(5000)
    )
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(*named))
    night.drop("customers/dt=2024-01-01/a.csv", customers(*({"customer_id": f"C{n}"} for n in range(500))))
    night.drop("products/dt=2024-01-01/a.csv", products(*({"product_id": f"P{n}"} for n in range(500))))
    night.run()
    with psycopg.connect(night.admin_url, autocommit=True) as connection:
        connection.execute("analyze")
    with psycopg.connect(role_url(night.admin_url, "c360_api")) as connection:
        for function, column in (*FUNCTIONS.items(), ("order_analytics_as_of", "customer_id")):
            plan = [
                str(row[0])
                for row in connection.execute(
                    f"explain select * from business_vault.{function}(now(), now()) where {column} = 'X1'".encode()
                )
            ]
            assert any("Index Cond: " in line and f"({column} = 'X1'::text)" in line for line in plan), function
            scanned = [line for line in plan if "Seq Scan" in line or "Function Scan" in line]
            # no file was complete or taken back, so nothing is deleted
            small = ("_status ", "object_version ", "retraction ")
            assert all(any(name in line for name in small) for line in scanned), "\n".join(scanned)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_readers_of_views_are_not_shown_history(night: Night, function: str) -> None:
    with psycopg.connect(role_url(night.admin_url, "c360_bi")) as connection, pytest.raises(pg.InsufficientPrivilege):
        connection.execute(f"select * from business_vault.{function}(now(), now())".encode())
