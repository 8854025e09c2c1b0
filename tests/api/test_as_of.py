"""Answers as of an instant, against the oracle of the files: what was true, and what was known."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import psycopg
import pytest

from functions.api.paging import collection
from tests.support import night_files, oracle
from tests.support.api_items import CUSTOMER, KEYS, LINE, PRODUCT, as_json_value, in_order

FILES = [file for files in night_files.nights() for file in files]
DAYS = ("2026-01-09", night_files.DAY_1, "2026-02-19", night_files.DAY_2, "2026-12-31")


def _then(day: str, files: list[tuple[str, str]] = FILES) -> dict[str, list[dict[str, Any]]]:
    """All items of each list on that day."""
    marts = oracle.as_of(files, date.fromisoformat(day))
    return {
        "/customers": [dict(zip(CUSTOMER, row, strict=False)) for row in marts.customers],
        "/products": [dict(zip(PRODUCT, row, strict=False)) for row in marts.products],
        "/orders": [dict(zip(LINE, row, strict=True)) for row in marts.lines],
    }


def _shown(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: as_json_value(value) for name, value in item.items()} for item in items]


def test_a_total_as_of_an_instant_is_told_where_the_page_reaches_the_end(night_client: httpx.Client) -> None:
    day = night_files.DAY_2
    count = len(_then(day)["/products"])

    def total(**query: str) -> int | None:
        total: int | None = _page(night_client, "/products", as_of=day, **query)["total"]
        return total

    assert total(limit=str(count)) == count
    assert total(limit=str(count - 1)) is None
    assert total(limit=str(count), skip="2") == count
    assert total(skip=str(count + 5)) is None
    assert total(category="no such category") == 0
    last = night_client.get("/products", params={"as_of": day, "limit": count - 1}).json()["next"]
    assert night_client.get(last).json()["total"] is None, "where a cursor begins is not known"


def _page(client: httpx.Client, path: str, **query: str) -> dict[str, Any]:
    answer = client.get(path, params={"limit": "1000"} | query)
    assert answer.status_code == 200, answer.text
    assert "etag" not in answer.headers
    page: dict[str, Any] = json.loads(answer.text, parse_float=Decimal)
    return page


@pytest.fixture(scope="module")
def known(night_url: str) -> list[str]:
    """When each night's files were known."""
    with psycopg.connect(night_url) as connection:
        rows = connection.execute("select loaded_at from metadata.load_run order by started_at")
        return [loaded_at.isoformat() for (loaded_at,) in rows]


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("path", ["/customers", "/products", "/orders"])
def test_every_list_is_as_it_was(night_client: httpx.Client, path: str, day: str) -> None:
    want = _shown(_then(day)[path])
    page = _page(night_client, path, as_of=day)
    assert page["items"] == want
    assert page["total"] == len(want)


@pytest.mark.parametrize("path", ["/customers", "/products", "/orders"])
def test_what_was_known_after_the_first_night_is_what_its_files_said(
    night_client: httpx.Client, known: list[str], path: str
) -> None:
    first = night_files.nights()[0]
    assert _page(night_client, path, known_at=known[0])["items"] == _shown(_then("2026-12-31", first)[path])
    assert _page(night_client, path, known_at=known[1])["items"] == _shown(_then("2026-12-31")[path])
    assert _page(night_client, path, known_at="2020-01-01")["items"] == []
    both = _page(night_client, path, as_of=night_files.DAY_2, known_at=known[0])
    assert both["items"] == _shown(_then(night_files.DAY_2, first)[path])


def test_filters_sorts_and_pages_work_then_as_they_do_now(night_client: httpx.Client) -> None:
    day = "2026-02-19"
    gold = [item for item in _then(day)["/customers"] if item["customer_segment"] == "Gold"]
    want = _shown(in_order(gold, "/customers", "-lifetime_value"))
    found, target = [], f"/customers?as_of={day}&segment=Gold&sort=-lifetime_value&limit=4"
    while target:
        page = json.loads(night_client.get(target).text, parse_float=Decimal)
        assert page["total"] is None, "nobody counts what is not shown"
        found += page["items"]
        target = page["next"]
    assert found == want


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize(
    "sort", ["-total_orders", "signup_date", "-quantity", "revenue", "-order_date", "total_amount"]
)
def test_a_list_in_another_order_holds_the_same(night_client: httpx.Client, sort: str, day: str) -> None:
    path = {
        "total_orders": "/customers",
        "signup_date": "/customers",
        "quantity": "/products",
        "revenue": "/products",
    }.get(sort.removeprefix("-"), "/orders")
    named = sort.replace("quantity", "total_quantity")
    assert _page(night_client, path, as_of=day, sort=named)["items"] == _shown(in_order(_then(day)[path], path, named))


@pytest.fixture
def narrow_window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A page as of an instant looks at three keys."""
    monkeypatch.setattr(collection, "AS_OF_KEYS", 3)
    collection.page_statement.cache_clear()
    yield
    collection.page_statement.cache_clear()


@pytest.mark.usefixtures("narrow_window")
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/customers", {"segment": "Gold"}),
        ("/customers", {"segment": "Gold", "sort": "-customer_id"}),
        ("/products", {"category": "no such category"}),
        ("/orders", {"status": "Completed", "sort": "-transaction_id"}),
        ("/orders", {"status": "Completed", "limit": "2"}),
    ],
)
def test_following_next_comes_to_the_end_whatever_a_page_holds(
    night_client: httpx.Client, path: str, query: dict[str, str]
) -> None:
    then = _then(night_files.DAY_2)[path]
    wanted = {"segment": "customer_segment", "category": "category", "status": "order_status"}
    name, value = next((wanted[name], query[name]) for name in wanted if name in query)
    kept = [item for item in then if item[name] == value]
    found, sizes = [], []
    target: str | None = str(night_client.build_request("GET", path, params=query | {"as_of": night_files.DAY_2}).url)
    while target:
        page = json.loads(night_client.get(target).text, parse_float=Decimal)
        found += page["items"]
        sizes.append(len(page["items"]))
        target = page["next"]
    assert found == _shown(in_order(kept, path, query.get("sort", KEYS[path][0])))
    assert min(sizes) < int(query.get("limit", "100")), "a page may hold fewer than asked for, and not be the last"


@pytest.mark.parametrize("day", DAYS)
def test_one_customer_and_their_orders_are_as_they_were(night_client: httpx.Client, day: str) -> None:
    then = _then(day)
    customers = {item["customer_id"]: item for item in then["/customers"]}
    for number in (0, 1, 2, 3, night_files.CUSTOMERS):
        customer_id = f"C{number:04}"
        answer = night_client.get(f"/customers/{customer_id}", params={"as_of": day})
        if customer_id in customers:
            assert [json.loads(answer.text, parse_float=Decimal)] == _shown([customers[customer_id]])
        else:
            assert answer.status_code == 404
        lines = [item for item in then["/orders"] if item["customer_id"] == customer_id]
        page = _page(night_client, f"/customers/{customer_id}/orders", as_of=day)
        assert page["items"] == _shown(in_order(lines, "/orders", "-order_date"))


def test_a_date_begins_its_day_in_utc(night_client: httpx.Client) -> None:
    same = [
        _page(night_client, "/customers", as_of=instant)
        for instant in (night_files.DAY_2, f"{night_files.DAY_2}T00:00:00Z", f"{night_files.DAY_2}T02:00:00+02:00")
    ]
    assert same[0]["items"] == same[1]["items"] == same[2]["items"]
    before = _page(night_client, "/customers", as_of=f"{night_files.DAY_2}T00:00:00+00:01")
    assert before["items"] == _page(night_client, "/customers", as_of="2026-02-19")["items"]


def test_figures_that_only_the_present_has_are_refused_by_name(night_client: httpx.Client) -> None:
    assert "rfm_label" not in night_client.get("/customers/C0001?as_of=2026-12-31").json()
    for path in ("/customers/C0001", "/customers"):
        answer = night_client.get(f"{path}?as_of=2026-12-31&fields=customer_id,rfm_label")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"] == "fields"
