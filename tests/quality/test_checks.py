"""What the checks find in files and in the vault; each result is kept, and only errors stop a run."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from functions.common.errors import ModelError, QualityError
from tests.support.check_results import TODAY, model_with, result_of
from tests.support.csv_files import customers, products, transactions
from tests.support.night import Night

FULL = {
    "first_name": "Ann",
    "last_name": "Lee",
    "email": "ann@example.com",
    "phone": "1",
    "signup_date": "2024-01-01",
    "country": "Italy",
    "state": "Lazio",
    "city": "Rome",
    "customer_segment": "Gold",
}


def failed(night: Night) -> set[str]:
    """The rules that failed, but for freshness: the files of these tests are old."""
    rows = night.rows("select rule from metadata.quality_result where not passed and rule not like '%.freshness'")
    return {row[0] for row in rows}


def test_good_files_pass_every_rule(night: Night) -> None:
    night.drop(f"customers/{TODAY}/a.csv", customers({"customer_id": "C1", **FULL}))
    night.drop(
        f"products/{TODAY}/a.csv",
        products({
            "product_id": "P1", "product_name": "n", "category": "c", "price": "1", "cost": "1", "supplier": "s",
        }),
    )  # fmt: skip
    night.drop(f"transactions/{TODAY}/a.csv", transactions({}))
    night.run()
    assert failed(night) == set()
    rules = {row[0] for row in night.rows("select rule from metadata.quality_result")}
    assert {"customers.email.pattern", "products.price.range", "transactions.amount.expression"} <= rules


@pytest.mark.parametrize(
    ("source", "rows", "rule", "measured"),
    [
        ("customers", [{"email": ""}, {"email": ""}, {}], "customers.email.nulls", 2),
        ("customers", [{"email": "nobody"}, {"email": "a b@c"}, {}, {"email": ""}], "customers.email.pattern", 2),
        ("customers", [{"customer_id": "C1"}, {"customer_id": "C1"}, {}], "customers.unique", 1),
        ("transactions", [{"unit_price": "-1", "total_amount": "-1"}, {}], "transactions.unit_price.range", 1),
        ("transactions", [{"total_amount": "9.99"}, {}], "transactions.amount.expression", 1),
        ("transactions", [{"quantity": "-1", "total_amount": "-10.00"}], "", 0),
        ("transactions", [{"transaction_id": "X"}, {"transaction_id": "X"}], "transactions.unique", 1),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_row_defect_is_counted_and_stops_nothing(
    night: Night, source: str, rows: list[dict[str, str]], rule: str, measured: int
) -> None:
    if source == "customers":
        content = customers(*({"customer_id": f"X{number}", **FULL, **row} for number, row in enumerate(rows)))
    else:
        content = transactions(*(
            {"transaction_id": f"T{number}", "customer_id": "", **row} for number, row in enumerate(rows)
        ))  # fmt: skip
    night.drop(f"{source}/{TODAY}/a.csv", content)
    assert night.run()["totals"]["loaded"] >= 1
    expected = {rule} - {""} | ({"transactions.product_id.references"} if source == "transactions" else set())
    expected |= {"transactions.customer_id.nulls"} if source == "transactions" else set()
    assert failed(night) == expected
    if rule:
        assert result_of(night, rule)[:2] == (False, measured)


def test_accepted_values_and_bounds_of_dates_are_counted(night: Night) -> None:
    night.model = model_with(
        None,
        customers__customer_segment={"accepted": ["Gold", "Silver"]},
        customers__signup_date={"minimum": "2020-01-01", "maximum": "2024-12-31"},
    )
    odd = [{"customer_segment": "gold"}, {"signup_date": "2019-12-31"}, {"signup_date": "2025-01-01"}, {}]
    rows = [{**FULL, "customer_id": f"C{number}", **row} for number, row in enumerate(odd)]
    night.drop(f"customers/{TODAY}/a.csv", customers(*rows))
    night.run()
    assert result_of(night, "customers.customer_segment.accepted")[:2] == (False, 1)
    assert result_of(night, "customers.signup_date.range")[:2] == (False, 2)


@pytest.mark.parametrize("check", [{"pattern": "[0-9]+%s"}, {"accepted": ["5%s", "10%s"]}], ids=["pattern", "accepted"])
def test_a_percent_sign_in_a_check_is_only_a_percent_sign(night: Night, check: dict[str, object]) -> None:
    night.model = model_with(None, customers__city=check)
    rows = [{**FULL, "customer_id": f"C{number}", "city": city} for number, city in enumerate(("5%s", "10%s", "5%%s"))]
    night.drop(f"customers/{TODAY}/a.csv", customers(*rows))
    night.run()
    assert result_of(night, f"customers.city.{next(iter(check))}")[:2] == (False, 1)


def test_a_percent_sign_in_a_header_is_only_a_percent_sign(night: Night) -> None:
    night.model = model_with(None)
    header = "customer_id,first_name,last_name,email,phone,signup_date,country,state,city,customer_segment,off %s %(x)s"
    night.drop(f"customers/{TODAY}/a.csv", f"{header}\nC1,,,,,,,,,,5%\n".encode())
    assert night.run()["totals"]["loaded"] == 1
    assert night.rows("select content from metadata.unknown_columns") == [({"off %s %(x)s": "5%"},)]


def test_a_pattern_that_postgresql_does_not_take_is_the_models_fault(night: Night) -> None:
    night.model = model_with(None, customers__city={"pattern": "(?P<name>a)"})
    night.drop(f"customers/{TODAY}/a.csv", customers({"customer_id": "C1", **FULL}))
    with pytest.raises(ModelError, match="source=customers"):
        night.run()


def test_keys_that_no_file_has_described_are_counted_until_one_does(night: Night) -> None:
    night.drop(f"customers/{TODAY}/a.csv", customers({"customer_id": "C1", **FULL}))
    lines = [
        {"transaction_id": f"T{number}", "customer_id": customer, "product_id": product}
        for number, (customer, product) in enumerate([("C1", "P1"), ("C2", "P1"), ("C3", "P2"), ("", "P2")])
    ]
    night.drop(f"transactions/{TODAY}/a.csv", transactions(*lines))
    night.run()
    assert result_of(night, "transactions.customer_id.references") == (False, 2, "0")
    assert result_of(night, "transactions.product_id.references") == (False, 2, "0")
    night.drop(f"customers/{TODAY}/b.csv", customers({"customer_id": "C2", **FULL}, {"customer_id": "C3", **FULL}))
    night.run()
    night.drop("transactions/dt=2026-01-02/a.csv", transactions(*lines))
    night.run()
    assert result_of(night, "transactions.customer_id.references")[:2] == (True, 0)


def test_a_file_with_unusually_few_rows_is_reported_once_enough_runs_are_known(night: Night) -> None:
    def run(day: int, rows: int) -> tuple[Any, ...]:
        content = customers(*({"customer_id": f"C{number}", **FULL} for number in range(rows)))
        night.drop(f"customers/dt=2026-01-{day:02}/a.csv", content)
        night.run()
        return result_of(night, "customers.count")

    assert run(1, 1) == (True, 1, None)
    for day in range(2, 6):
        run(day, 20)
    assert run(6, 21) == (True, 21, "12 to 28")
    assert run(7, 3) == (False, 3, "12 to 28")
    assert run(8, 20)[0], "a run with few rows does not make few rows usual"


def test_quarantined_rows_and_rejected_files_are_reported(night: Night) -> None:
    night.drop(f"customers/{TODAY}/a.csv", customers({"customer_id": ""}, {"customer_id": "C1", **FULL}))
    night.drop(f"customers/{TODAY}/b.csv", "")
    night.run()
    assert result_of(night, "rows.rejected") == (False, 1, "0")
    assert result_of(night, "files.rejected") == (False, 1, "0")


def test_old_files_are_reported_also_on_a_night_without_files(night: Night) -> None:
    night.drop(f"customers/{TODAY}/a.csv", customers({"customer_id": "C1", **FULL}))
    night.run()
    assert not result_of(night, "customers.freshness")[0]
    assert result_of(night, "products.freshness")[0], "no file of it has ever come"
    run_id, object_ids = night.plan()
    assert not object_ids
    night.check(run_id, "vault")
    [(passed, measured)] = night.rows(
        "select passed, measured from metadata.quality_result"
        f" where run_id = '{run_id}' and rule = 'customers.freshness'"
    )
    assert not passed
    assert measured > 300


def test_a_file_dated_in_the_future_does_not_hide_that_no_other_comes(night: Night) -> None:
    night.drop(f"customers/{TODAY}/a.csv", customers({"customer_id": "C1", **FULL}))
    night.drop("customers/dt=2062-01-01/b.csv", customers({"customer_id": "C2", **FULL}))
    night.run()
    passed, *_ = result_of(night, "customers.freshness")
    assert not passed


def test_a_file_dated_in_the_future_is_named_and_shown_when_it_is_in_force(night: Night) -> None:
    night.drop(f"customers/{TODAY}/a.csv", customers({"customer_id": "C1", **FULL}))
    night.drop("customers/dt=2062-01-01/b.csv", customers({"customer_id": "C1", **FULL, "first_name": "Late"}))
    night.drop("customers/dt=2062-01-02/c.csv", customers({"customer_id": "C2", **FULL}))
    night.run()
    assert result_of(night, "customers.future") == (False, 2, "0")
    shown = "select customer_id, first_name from business_vault.vw_customer_360 order by 1"
    assert night.rows(shown) == [("C1", FULL["first_name"])]
    night.run(at=datetime(2062, 1, 1, tzinfo=UTC))
    assert night.rows(shown) == [("C1", "Late")]


def ruined(night: Night, statement: str) -> QualityError:
    """The error of a night in which `statement` is run between vault and checks."""
    night.drop(f"transactions/{TODAY}/a.csv", transactions({}, {"transaction_id": "T2"}))
    run_id, object_ids = night.plan()
    night.stage(run_id, object_ids)
    night.check(run_id, "staging")
    night.load_vault(run_id)
    with psycopg.connect(night.admin_url) as connection:
        connection.execute(statement.encode())
    with pytest.raises(QualityError) as raised:
        night.check(run_id, "vault")
    return raised.value


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("delete from raw_vault.hub_order where transaction_id = 'T2'", "transactions.hub_order.loaded: 1 rows"),
        ("delete from raw_vault.link_order_product", "transactions.link_order_product.loaded: 2 rows"),
        (
            "delete from raw_vault.hub_customer where customer_id is null",
            "vault.zero_keys: hubs without their zero key",
        ),
    ],
)
def test_what_the_vault_lacks_stops_the_run(night: Night, statement: str, rule: str) -> None:
    try:
        assert rule in str(ruined(night, statement))
    finally:
        with psycopg.connect(night.admin_url) as connection:
            connection.execute(
                "insert into raw_vault.hub_customer (customer_hash_key, loaded_at, record_source, record_row)"
                " values (decode(repeat('00', 16), 'hex'), '-infinity', 0, 0) on conflict do nothing"
            )


def test_a_vault_that_could_hold_a_row_twice_stops_the_run(night: Night) -> None:
    key = "link_hash_key, effective_at, record_source, record_row"
    try:
        assert "vault.unique: tables without a valid unique index on their key: sat_order_line" in str(
            ruined(night, "alter table raw_vault.sat_order_line drop constraint sat_order_line_pkey")
        )
    finally:
        with psycopg.connect(night.admin_url) as connection:
            connection.execute(f"alter table raw_vault.sat_order_line add primary key ({key})".encode())
