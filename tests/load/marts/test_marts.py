"""The marts: what they show beside the sums, what a night touches, and that a rebuild gives the same."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from functions.load import handler
from functions.load.marts.publish import publish
from functions.load.marts.rebuild import NothingPublishedError, rebuild
from tests.support.csv_files import Row, customers, products, transactions
from tests.support.database_state import everything
from tests.support.lambda_context import handler_signed_in, lambda_context
from tests.support.night import Night, role_url


def night_of(night: Night, day: str) -> dict[str, int]:
    """A night on that day, whatever the clock says; rows written by mart. It publishes also when nothing came in."""
    run_id, object_ids = night.plan(f"night-{day}")
    with psycopg.connect(night.admin_url) as connection:
        connection.execute(
            "update metadata.load_run set loaded_at = %s where run_id = %s", (f"{day}T00:05:00Z", run_id)
        )
    if object_ids:
        night.stage(run_id, object_ids)
        night.load_vault(run_id)
        night.check(run_id, "vault")
    written = night.publish(run_id)
    night.finish(run_id)
    return written


def customer(night: Night, customer_id: str) -> dict[str, Any]:
    with psycopg.connect(night.admin_url, row_factory=psycopg.rows.dict_row) as connection:
        row = connection.execute(
            "select * from business_vault.vw_customer_360 where customer_id = %s", (customer_id,)
        ).fetchone()
    assert row is not None
    return row


def order(number: int, **changed: str) -> Row:
    return {"transaction_id": f"T{number}", **changed}


def test_windows_move_on_in_nights_that_bring_nothing(night: Night) -> None:
    night.drop(
        "transactions/dt=2024-01-31/a.csv",
        transactions(
            order(1, order_date="2024-01-31T23:59:59Z", total_amount="1"),
            order(2, order_date="2024-01-31T23:59:59-01:00", total_amount="2"),
            order(2, order_date="2024-01-31T23:59:59-01:00", total_amount="4", line_number="2"),
            order(3, customer_id="C2", order_date="2023-01-01", total_amount="8"),
        ),
    )
    names = ("days_since_last_order", "orders_30_days", "revenue_30_days", "orders_90_days", "orders_365_days")
    shown = []
    for day in ("2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01", "2024-03-02", "2024-05-01", "2025-01-31"):
        written = night_of(night, day)
        if day != "2024-01-31":
            assert written["mart_order_line"] == written["mart_product_analytics"] == 0
        if day == "2024-02-29":
            assert written["mart_customer_360"] == 0, "no order crossed the edge of a window"
        shown.append(tuple(customer(night, "C1")[name] for name in names))
    assert shown == [
        (-1, 1, 1, 1, 1),  # what was ordered on the first of February, in UTC, is yet to come
        (0, 2, 7, 2, 2),
        (28, 2, 7, 2, 2),
        (29, 1, 6, 2, 2),
        (30, 0, 0, 2, 2),
        (90, 0, 0, 0, 2),
        (365, 0, 0, 0, 0),
    ]


def test_today_does_not_go_back_for_a_run_that_was_resumed_late(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(order(1, order_date="2024-01-01")))
    night_of(night, "2024-02-01")
    night_of(night, "2024-01-15")
    assert customer(night, "C1")["days_since_last_order"] == 31


def test_scores_are_quintiles_and_labels_say_what_they_mean(night: Night) -> None:
    """Ten customers: C1 has ordered once, long ago, for 1; C10 ten times, just now, for the most."""
    night.drop(
        "transactions/dt=2024-01-31/a.csv",
        transactions(
            *(
                order(100 * who + count, customer_id=f"C{who}", order_date=f"2024-01-{who + 10}", total_amount=str(who))
                for who in range(1, 11)
                for count in range(who)
            )
        ),
    )
    night.drop("customers/dt=2024-01-31/a.csv", customers({"customer_id": "C0"}))
    night_of(night, "2024-01-31")
    scores = {
        who: [customer(night, f"C{who}")[f"rfm_{name}"] for name in ("recency", "frequency", "monetary")]
        for who in range(11)
    }
    assert scores == {0: [None] * 3} | {who: [(who + 1) // 2] * 3 for who in range(1, 11)}
    labels = {who: customer(night, f"C{who}")["rfm_label"] for who in range(11)}
    assert labels == {
        0: None,
        **dict.fromkeys((1, 2, 3, 4), "lost"),
        **dict.fromkeys((5, 6), "promising"),
        **dict.fromkeys((7, 8, 9, 10), "champions"),
    }


def test_the_favourite_category_follows_what_was_bought_and_what_products_are_called(night: Night) -> None:
    night.drop(
        "products/dt=2024-01-01/a.csv",
        products(
            {"product_id": "P1", "category": "Toys"}, {"product_id": "P2", "category": "Books"}, {"product_id": "P3"}
        ),
    )
    night.drop(
        "transactions/dt=2024-01-01/a.csv",
        transactions(
            order(1, product_id="P1", total_amount="5"),
            order(2, product_id="P2", total_amount="5"),
            order(3, product_id="P3", total_amount="50"),
            order(4, product_id="P2", total_amount="5", customer_id="C2"),
        ),
    )
    night_of(night, "2024-01-01")
    assert customer(night, "C1")["favourite_category"] == "Books", "of two alike, the first by name"
    night.drop("transactions/dt=2024-01-02/a.csv", transactions(order(5, product_id="P1", total_amount="0.01")))
    night_of(night, "2024-01-02")
    assert customer(night, "C1")["favourite_category"] == "Toys"
    night.drop("products/dt=2024-01-03/a.csv", products({"product_id": "P1", "category": "Games"}))
    assert night_of(night, "2024-01-03") == {"mart_order_line": 0, "mart_product_analytics": 1, "mart_customer_360": 1}
    assert customer(night, "C1")["favourite_category"] == "Games"
    night.drop("products/dt=2024-01-04/a.csv", products({"product_id": "P3", "category": "Cars"}))
    night_of(night, "2024-01-04")
    assert customer(night, "C1")["favourite_category"] == "Cars"
    assert customer(night, "C2")["favourite_category"] == "Books"


def test_what_is_deleted_stays_and_says_so_but_deleted_lines_count_nowhere(night: Night) -> None:
    complete = {
        "customers/snapshot": customers({"customer_id": "C1"}, {"customer_id": "C2"}),
        "products/snapshot": products({"product_id": "P1", "category": "Toys"}),
        "transactions/snapshot": transactions(order(1, total_amount="3"), order(2, total_amount="4")),
    }
    for folder, content in complete.items():
        night.drop(f"{folder}/dt=2024-01-01/a.csv", content)
    night_of(night, "2024-01-01")
    night.drop("customers/snapshot/dt=2024-01-02/a.csv", customers({"customer_id": "C2"}))
    night.drop("products/snapshot/dt=2024-01-02/a.csv", products({"product_id": "P2"}))
    night.drop("transactions/snapshot/dt=2024-01-02/a.csv", transactions(order(2, total_amount="4")))
    night_of(night, "2024-01-02")
    gone = customer(night, "C1")
    assert (gone["is_deleted"], gone["total_orders"], gone["lifetime_value"]) == (True, 1, 4)
    assert not customer(night, "C2")["is_deleted"]
    sold = "select product_id, total_sold, revenue, is_deleted from business_vault.vw_product_analytics order by 1"
    assert night.rows(sold) == [("P1", 1, 4, True), ("P2", 0, 0, False)]
    assert night.rows("select transaction_id from business_vault.vw_order_analytics") == [("T2",)]
    night.drop("customers/dt=2024-01-03/a.csv", customers({"customer_id": "C1"}))
    night.drop("transactions/dt=2024-01-03/a.csv", transactions(order(1, total_amount="3")))
    night_of(night, "2024-01-03")
    back = customer(night, "C1")
    assert (back["is_deleted"], back["total_orders"], back["lifetime_value"]) == (False, 2, 7)


def test_pointers_lead_to_the_versions_that_are_shown(night: Night) -> None:
    night.drop(
        "customers/snapshot/dt=2024-01-01/a.csv",
        customers({"customer_id": "C1", "first_name": "Ann"}, {"customer_id": "C2"}),
    )
    night.drop("products/dt=2024-01-01/a.csv", products({"product_id": "P1", "product_name": "Pen"}))
    night.drop(
        "transactions/dt=2024-01-01/a.csv",
        transactions(
            order(1, total_amount="3", line_number="1", order_status="new"),
            order(1, total_amount="4", line_number="2", order_status="new"),
            order(2, customer_id="C3"),
        ),
    )
    night_of(night, "2024-01-01")
    night.drop(
        "transactions/dt=2024-01-02/a.csv",
        transactions(order(1, total_amount="3", line_number="1", order_status="paid", customer_id="C2")),
    )
    night.drop("customers/snapshot/dt=2024-01-02/a.csv", customers({"customer_id": "C2", "first_name": "Bea"}))
    night_of(night, "2024-01-02")
    at = (
        "({0}.effective_at, {0}.record_source, {0}.record_row)"
        " = (p.{1}_effective_at, p.{1}_record_source, p.{1}_record_row)"
    )
    line, details, owner = (
        at.format(*names)
        for names in (("l", "sat_order_line"), ("d", "sat_order_details"), ("e", "sat_customer_order_effectivity"))
    )
    shown = night.rows(
        "select p.transaction_id, p.line_number, c.customer_id, p.product_id, d.order_date, l.quantity, l.unit_price,"
        " l.total_amount, d.payment_method, d.order_status from business_vault.pit_order as p"
        f" join raw_vault.sat_order_line as l on l.link_hash_key = p.link_hash_key and {line}"
        f" join raw_vault.sat_order_details as d on d.order_hash_key = p.order_hash_key and {details}"
        f" join raw_vault.sat_customer_order_effectivity as e on e.order_hash_key = p.order_hash_key and {owner}"
        " join raw_vault.link_customer_order as lc on lc.link_hash_key = e.link_hash_key"
        " join raw_vault.hub_customer as c on c.customer_hash_key = lc.customer_hash_key order by 1, 2"
    )
    assert len(shown) == 3
    assert shown == night.rows("select * from business_vault.vw_order_analytics order by 1, 2")

    details, status = (at.format(*names) for names in (("d", "sat_customer_details"), ("s", "sat_customer_status")))
    assert night.rows(
        "select p.customer_id, d.first_name, coalesce(s.is_deleted, false) from business_vault.pit_customer as p"
        f" left join raw_vault.sat_customer_details as d on d.customer_hash_key = p.customer_hash_key and {details}"
        f" left join raw_vault.sat_customer_status as s on s.customer_hash_key = p.customer_hash_key and {status}"
        " order by 1"
    ) == [("C1", "Ann", True), ("C2", "Bea", False), ("C3", None, False)]
    pointed = at.format("d", "sat_product_details")
    assert night.rows(
        "select p.product_id, d.product_name from business_vault.pit_product as p"
        f" join raw_vault.sat_product_details as d on d.product_hash_key = p.product_hash_key and {pointed}"
    ) == [("P1", "Pen")]


def test_a_key_that_only_the_clickstream_has_named_is_shown_after_the_next_night(night: Night) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1"}))
    night_of(night, "2024-01-01")
    with psycopg.connect(night.admin_url) as connection:
        for hub, key, column in (("customer", "C7", "customer_id"), ("product", "P7", "product_id")):
            connection.execute(
                f"insert into raw_vault.hub_{hub} ({hub}_hash_key, {column}, loaded_at, record_source, record_row)"
                " values (sha256(%s), %s, now(), -1, 0)".encode(),
                (key.encode(), key),
            )
    assert night_of(night, "2024-01-02") == {"mart_order_line": 0, "mart_product_analytics": 1, "mart_customer_360": 1}
    assert customer(night, "C7")["total_orders"] == 0
    assert night_of(night, "2024-01-03")["mart_customer_360"] == 0, "once"


def test_a_rebuild_mends_what_somebody_has_broken(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C1", "first_name": "Ann"}))
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(order(1, total_amount="3.10"), order(2)))
    night_of(night, "2024-01-01")
    before = everything(night)
    with psycopg.connect(night.admin_url) as connection:
        for broken in (
            "delete from business_vault.mart_order_line where transaction_id = 'T1'",
            "update business_vault.mart_customer_360 set lifetime_value = 0",
            "update business_vault.mart_product_analytics set product_id = 'never'",
            "update metadata.mart_publication set rows = 7",
        ):
            connection.execute(broken.encode())
    with handler_signed_in(role_url(night.admin_url, "c360_loader"), monkeypatch):
        shown = handler.handle({"step": "rebuild"}, lambda_context())
    assert shown == {"mart_order_line": 2, "mart_product_analytics": 1, "mart_customer_360": 1}
    assert everything(night) == before
    assert night.rows("select mart, rows, run_id from metadata.mart_publication order by 1") == [
        ("mart_customer_360", 1, "night-2024-01-01"),
        ("mart_order_line", 2, "night-2024-01-01"),
        ("mart_product_analytics", 1, "night-2024-01-01"),
    ]


def test_a_later_publication_does_not_wait_for_who_is_loading_the_vault(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(order(1)))
    night_of(night, "2024-01-01")
    night.drop("transactions/dt=2024-01-02/a.csv", transactions(order(1, total_amount="7")))
    with psycopg.connect(night.admin_url) as other:
        run_id, object_ids = night.plan()
        night.stage(run_id, object_ids)
        night.load_vault(run_id)
        for table in ("hub_order", "link_customer_order", "link_order_product", "sat_order_line"):
            other.execute(f"lock table raw_vault.{table} in row exclusive mode".encode())
        with night.connect() as connection:
            connection.execute("set lock_timeout = '1s'")
            assert publish(connection, run_id)["mart_order_line"] == 1


def test_the_api_may_read_how_many_rows_there_are(night: Night) -> None:
    night.drop("transactions/dt=2024-01-01/a.csv", transactions(order(1), order(2)))
    night_of(night, "2024-01-01")
    with psycopg.connect(role_url(night.admin_url, "c360_api")) as connection:
        shown: dict[str, int] = dict(connection.execute("select mart, rows from metadata.mart_publication").fetchall())
    assert shown == {"mart_order_line": 2, "mart_product_analytics": 1, "mart_customer_360": 1}


def test_a_rebuild_puts_files_of_one_instant_in_order_of_their_keys(night: Night) -> None:
    for number, name in enumerate("ba", start=1):
        night.drop(f"customers/dt=2024-01-01/{name}.csv", customers({"customer_id": "C1", "first_name": name}))
        night.drop(f"transactions/dt=2024-01-01/{name}.csv", transactions(order(1, line_number="1", order_status=name)))
        night_of(night, f"2024-01-0{number}")
    before = everything(night)
    with night.connect() as connection:
        rebuild(connection)
    assert everything(night) == before
    assert customer(night, "C1")["first_name"] == "b"
    assert night.rows("select order_status from business_vault.vw_order_analytics") == [("b",)]


def test_there_is_nothing_to_rebuild_before_the_first_night(night: Night) -> None:
    with night.connect() as connection, pytest.raises(NothingPublishedError, match="run the nightly load first"):
        rebuild(connection)


def test_amounts_keep_two_decimals_or_as_many_as_they_need(night: Night) -> None:
    night.drop(
        "transactions/dt=2024-01-01/a.csv", transactions(order(1, total_amount="10.125"), order(2, total_amount="1"))
    )
    night_of(night, "2024-01-01")
    revenue = "select revenue::text from business_vault.vw_product_analytics"
    assert night.rows(revenue) == [("11.125",)]
    night.drop("transactions/dt=2024-01-02/a.csv", transactions(order(1, total_amount="10")))
    night_of(night, "2024-01-02")
    assert night.rows(revenue) == [("11.00",)]
    assert customer(night, "C1")["lifetime_value"] == Decimal(11)
    assert customer(night, "C1")["last_order_date"] == datetime(2024, 1, 1, 10, tzinfo=UTC)


def test_a_customer_of_the_clickstream_alone_is_published_by_the_first_night_and_counted_once(night: Night) -> None:
    """So is a customer of the clickstream between two nights, until a file describes them."""
    for day, customer in ((1, "C1"), (2, "WEB")):
        with psycopg.connect(night.admin_url) as connection:
            connection.execute(
                "insert into business_vault.mart_customer_360 (customer_id, total_orders, lifetime_value)"
                " values (%s, 0, 0)",
                (customer,),
            )
            connection.execute(
                "insert into raw_vault.hub_customer"
                " (customer_hash_key, customer_id, loaded_at, record_source, record_row)"
                " values (substring(sha256(convert_to('s' || length(%(id)s) || ':' || %(id)s, 'UTF8')) for 16),"
                " %(id)s, now(), -1, 0)",
                {"id": customer},
            )
        night.drop(f"customers/dt=2024-01-0{day}/a.csv", customers({"customer_id": customer, "first_name": "Ann"}))
        night_of(night, f"2024-01-0{day}")
        shown = night.rows("select rows from metadata.mart_publication where mart = 'mart_customer_360'")
        assert shown == night.rows("select count(*) from business_vault.vw_customer_360") == [(day,)]
    assert night.rows("select distinct first_name from business_vault.vw_customer_360") == [("Ann",)]


def test_a_customer_that_only_an_overruled_row_of_a_retracted_file_named_goes_as_in_a_rebuild(night: Night) -> None:
    key = "transactions/dt=2024-01-02/a.csv"
    night.drop("customers/dt=2024-01-01/a.csv", customers({"customer_id": "C2"}))
    night.drop(key, transactions({"customer_id": "C3"}, {"customer_id": "C2", "product_id": "P2"}))
    night.run()
    assert night.rows("select customer_id from business_vault.mart_customer_360 order by 1") == [("C2",), ("C3",)]
    night.run(retract=(f"landing/{key}",))
    assert night.rows("select customer_id from business_vault.mart_customer_360") == [("C2",)]
    kept = everything(night)
    with night.connect() as connection:
        rebuild(connection)
    assert everything(night) == kept
