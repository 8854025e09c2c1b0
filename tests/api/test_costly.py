"""What reads much is kept apart from what reads little: pages as of an instant are bounded, and in nobody's way."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString

import httpx
import psycopg
import pytest

from benchmarks.api.history import fill_history
from functions.api import database
from functions.api.costly import may_be_costly
from functions.api.paging import pages
from functions.api.paging.collection import AS_OF_KEYS, Collection, Selection, page_statement
from functions.api.resources.customers import CUSTOMERS
from functions.api.resources.orders import ORDERS, ORDERS_OF_CUSTOMER, ORDERS_OF_KEY
from functions.api.resources.products import PRODUCTS
from functions.load.schema.migrate import migrate
from local.servers.postgres import PostgresServer
from tests.support.database import fresh_database

HISTORY = 20_000
INSTANT = {"as_of": "2026-03-01", "known_at": "infinity"}
COSTLY = (
    "/customers?as_of=2026-01-01",
    "/products?known_at=2030-01-01",
    "/orders?as_of=2026-01-01",
    "/customers/C0001/orders?as_of=2026-01-01",
    "/customers?skip=10001",
    "/metrics/overview/explain?column=revenue",
)
CHEAP = ("/customers/C0001", "/customers", "/orders?limit=5", "/metrics/overview")


@contextmanager
def _taken(admin_url: str) -> Iterator[None]:
    """Other processes of the API answer as many costly requests as may be."""
    with psycopg.connect(admin_url) as admin:
        admin.execute("select from metadata.costly_slot for update")
        yield


def test_costly_requests_beyond_their_number_are_503_and_no_others(changing: httpx.Client, changing_url: str) -> None:
    for path in (*COSTLY, *CHEAP):
        assert changing.get(path).status_code == 200, path
    with psycopg.connect(changing_url, autocommit=True) as admin:  # what was answered is remembered
        admin.execute("update metadata.mart_publication set published_at = now()")
    assert not any(may_be_costly(f"GET {path} HTTP/1.1".encode()) for path in CHEAP)
    with _taken(changing_url):
        for path in COSTLY:
            assert may_be_costly(f"GET {path} HTTP/1.1".encode()), path
            answer = changing.get(path)
            assert (answer.status_code, answer.headers.get("retry-after")) == (503, "1"), path
            assert "costly" in answer.json()["detail"]
        for path in CHEAP:
            assert changing.get(path).status_code == 200, path
    for path in COSTLY:
        assert changing.get(path).status_code == 200, path


def test_many_who_wait_for_costly_answers_keep_nobody_else_waiting(
    changing: httpx.Client, changing_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_FOR_CONNECTION_SECONDS", 0.2)
    assert changing.get("/customers/C0001").status_code == 200
    with psycopg.connect(changing_url) as admin, ThreadPoolExecutor(32) as threads:
        admin.execute("lock table raw_vault.sat_order_line in access exclusive mode")
        waiting = [threads.submit(changing.get, COSTLY[2]) for _ in range(32)]
        time.sleep(0.3)
        blocked = admin.execute("select count(*) from pg_locks where not granted").fetchone()
        assert blocked == (database.MOST_COSTLY,)
        for _ in range(20):
            assert changing.get("/customers/C0001").status_code == 200
        assert {each.result().status_code for each in waiting} == {503}
    assert changing.get(COSTLY[2]).status_code == 200


@pytest.fixture(scope="module")
def history(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    """The API's role in a database with 20,000 orders in its vault."""
    with fresh_database(postgres_server) as url:
        with psycopg.connect(url) as connection:
            migrate(connection, {})
            fill_history(connection, HISTORY)
            connection.execute("select business_vault.index_for_readers()")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("vacuum analyze")
            connection.execute("set role c360_api")
            yield connection


@pytest.mark.parametrize(
    ("collection", "sort", "after", "most"),
    [
        pytest.param(CUSTOMERS, "customer_id", ["C00001000"], 1_500, id="customers"),
        pytest.param(CUSTOMERS, "-customer_id", ["C00001000"], 1_500, id="customers, backwards"),
        pytest.param(PRODUCTS, "product_id", ["P002000"], 1_000, id="products"),
        pytest.param(ORDERS, "transaction_id", ["T000010000", "1", "P000001"], 200, id="orders"),
        pytest.param(ORDERS, "-transaction_id", ["T000010000", "1", "P000001"], 200, id="orders, backwards"),
    ],
)
def test_a_page_as_of_an_instant_reads_the_history_of_its_own_keys(
    history: psycopg.Connection, collection: Collection, sort: str, after: list[str], most: int
) -> None:
    for given in (None, after):
        selection = Selection(collection, (), False, sort, after_cursor=given is not None, as_of=True)
        values = {f"after_{n}": value for n, value in enumerate(given or ())}
        assert _most_rows(history, selection, values) <= most


def test_one_customers_and_one_products_history_is_found_by_their_keys(history: psycopg.Connection) -> None:
    of_customer = ("customer_id = %(customer_id)s",)
    for collection, condition in (
        (ORDERS_OF_CUSTOMER, of_customer),
        (ORDERS_OF_KEY, of_customer),
        (ORDERS_OF_KEY, ("product_id = %(product_id)s",)),
    ):
        selection = Selection(collection, (), False, "transaction_id", condition, as_of=True)
        assert _most_rows(history, selection, {"customer_id": "C00000042", "product_id": "P000042"}) <= 200


@pytest.mark.parametrize(
    ("collection", "sort", "condition"),
    [
        pytest.param(CUSTOMERS, "customer_id", "customer_segment = 'none'", id="customers"),
        pytest.param(PRODUCTS, "-product_id", "category = 'none'", id="products"),
        pytest.param(ORDERS, "transaction_id", "order_status = 'none'", id="orders"),
        pytest.param(ORDERS, "transaction_id", "customer_id = 'none'", id="orders of nobody"),
    ],
)
def test_a_page_of_what_hardly_occurs_reads_no_more_and_goes_on(
    history: psycopg.Connection, collection: Collection, sort: str, condition: LiteralString
) -> None:
    selection = Selection(collection, (), False, sort, (condition,), as_of=True)
    assert _most_rows(history, selection, {}) <= 2 * AS_OF_KEYS  # some orders have two versions
    _, items, after, *_ = (
        history.execute(page_statement(selection), INSTANT | {"skip": 0, "limit": 100}).fetchone() or ()
    )
    assert items is None
    assert after is not None


def test_a_list_that_is_too_long_to_be_read_as_a_whole_is_refused_by_name(
    changing: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {
        "sort": "/customers?as_of=2026-03-01&sort=-lifetime_value",
        "skip": "/products?as_of=2026-03-01&skip=1",
    }
    for target in whole.values():
        assert changing.get(target).status_code == 200
    monkeypatch.setattr(pages, "WHOLE_AS_OF_LINES", -1)
    for parameter, target in whole.items():
        answer = changing.get(target)
        assert answer.status_code == 422
        assert [each["parameter"] for each in answer.json()["errors"]] == [parameter]
    for target in ("/orders?as_of=2026-03-01&sort=-transaction_id", "/customers/C0001/orders?as_of=2026-03-01"):
        assert changing.get(target).status_code == 200


def _most_rows(connection: psycopg.Connection, selection: Selection, values: dict[str, Any]) -> float:
    """As many rows as the step of the plan that reads most of them."""
    parameters = values | INSTANT | {"skip": 0, "limit": 100}
    rows = connection.execute(b"explain (analyze, format json) " + page_statement(selection), parameters).fetchone()
    assert rows is not None
    return max(_rows(rows[0][0]["Plan"]))


def _rows(plan: dict[str, Any]) -> Iterator[float]:
    if plan.get("Subplan Name") == "CTE looked_at":  # their number is set, and they come from the hub's index
        assert plan["Plans"][0]["Actual Rows"] <= AS_OF_KEYS
        return
    yield plan["Actual Loops"] * (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))
    for each in plan.get("Plans", ()):
        yield from _rows(each)
