"""Lists: every item exactly once, in a stable order, with a true total, and a link to what follows."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.support.known_marts import LARGE, MANY_ORDERS, ODD_IDS, SILENT, customer_ids, order_lines


def _pages(client: httpx.Client, target: str) -> Iterator[dict[str, Any]]:
    following: str | None = target
    while following:
        answer = client.get(following)
        assert answer.status_code == 200, answer.text
        page = json.loads(answer.text, parse_float=Decimal)
        yield page
        following = page["next"]


def _items(client: httpx.Client, target: str) -> list[dict[str, Any]]:
    return [item for page in _pages(client, target) for item in page["items"]]


@pytest.mark.parametrize("limit", [1, 7, 48, 1000])
def test_following_next_visits_every_customer_once_in_the_order_of_keys(client: httpx.Client, limit: int) -> None:
    seen = [item["customer_id"] for item in _items(client, f"/customers?limit={limit}")]
    assert seen == sorted(customer_ids())


def test_following_next_visits_every_order_line_once_in_the_order_of_keys(client: httpx.Client) -> None:
    keys = [
        (item["transaction_id"], item["line_number"], item["product_id"]) for item in _items(client, "/orders?limit=9")
    ]
    assert keys == sorted((line.transaction_id, line.line_number, line.product_id) for line in order_lines())


def test_products_add_up_to_the_order_lines(client: httpx.Client) -> None:
    products = _items(client, "/products?limit=3")
    assert [item["product_id"] for item in products] == sorted({line.product_id for line in order_lines()})
    assert sum(item["revenue"] for item in products) == sum(line.total_amount for line in order_lines())
    assert sum(item["total_quantity"] for item in products) == sum(line.quantity for line in order_lines())
    assert sum(item["total_sold"] for item in products) == len(order_lines())


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/customers", len(customer_ids())),
        ("/orders", len(order_lines())),
        ("/products", 20),
        (f"/customers/{MANY_ORDERS}/orders", Counter(line.customer_id for line in order_lines())[MANY_ORDERS]),
    ],
)
def test_the_total_is_true_on_every_page_and_beyond_the_last(client: httpx.Client, target: str, expected: int) -> None:
    for query in ("?limit=1", "?skip=3&limit=11", f"?skip={expected}", "?skip=9007199254740991"):
        assert client.get(target + query).json()["total"] == expected
    assert client.get(f"{target}?skip={expected}").json() == {"items": [], "total": expected, "next": None}


def test_the_default_page_holds_a_hundred_and_links_to_the_next_absolutely(client: httpx.Client) -> None:
    page = client.get("/customers").json()
    assert len(page["items"]) == 100
    assert page["next"].startswith(f"{str(client.base_url).rstrip('/')}/customers?limit=100&cursor=")
    assert client.get("/customers?limit=44&skip=100").json()["next"] is None


def test_one_customers_order_lines_come_newest_first(client: httpx.Client) -> None:
    lines = [line for line in order_lines() if line.customer_id == MANY_ORDERS]
    expected = sorted(
        lines, key=lambda line: (line.order_date, line.transaction_id, line.line_number, line.product_id), reverse=True
    )
    items = _items(client, f"/customers/{MANY_ORDERS}/orders?limit=4")
    assert [(item["transaction_id"], item["line_number"]) for item in items] == [
        (line.transaction_id, line.line_number) for line in expected
    ]
    assert {item["customer_id"] for item in items} == {MANY_ORDERS}


def test_a_customer_without_orders_has_an_empty_list(client: httpx.Client) -> None:
    assert client.get(f"/customers/{SILENT}/orders").json() == {"items": [], "total": 0, "next": None}


@pytest.mark.parametrize("customer_id", ODD_IDS)
def test_ids_with_any_characters_are_found_and_linked(client: httpx.Client, customer_id: str) -> None:
    encoded = "/customers/" + _encode(customer_id)
    assert client.get(encoded).json()["customer_id"] == customer_id
    items = _items(client, f"{encoded}/orders?limit=2")
    assert len(items) == Counter(line.customer_id for line in order_lines())[customer_id] > 2
    assert {item["customer_id"] for item in items} == {customer_id}


def _encode(key: str) -> str:
    return "".join(f"%{byte:02X}" for byte in key.encode())


def test_amounts_are_exact_json_numbers_with_at_least_two_decimals(client: httpx.Client) -> None:
    text = client.get("/customers/C0003").text
    customer = json.loads(text, parse_float=Decimal)
    lines = [line.total_amount for line in order_lines() if line.customer_id == "C0003"]
    assert customer["lifetime_value"] == sum(lines) == LARGE + Decimal("4.605")
    assert f'"lifetime_value":{sum(lines)},' in text
    orders = client.get("/customers/C0003/orders").text
    for written in ("0.10", "0.20", "0.30", "1.005", "90071992547409.93", "3.00", "0.00"):
        assert f'"total_amount":{written},' in orders


def test_every_customers_value_equals_the_sum_of_their_lines(client: httpx.Client) -> None:
    expected: dict[str, Decimal] = dict.fromkeys(customer_ids(), Decimal(0))
    orders: dict[str, set[str]] = {customer_id: set() for customer_id in customer_ids()}
    for line in order_lines():
        if line.customer_id is not None:
            expected[line.customer_id] += line.total_amount
            orders[line.customer_id].add(line.transaction_id)
    customers = _items(client, "/customers?limit=1000")
    assert {item["customer_id"]: item["lifetime_value"] for item in customers} == expected
    assert {item["customer_id"]: item["total_orders"] for item in customers} == {
        key: len(values) for key, values in orders.items()
    }


def test_an_item_is_flat_with_dates_in_iso_8601_and_null_for_what_is_unknown(client: httpx.Client) -> None:
    assert client.get(f"/customers/{SILENT}").json() == {
        "customer_id": SILENT,
        "first_name": "Anna",
        "last_name": None,
        "email": "anna@example.com",
        "phone": None,
        "country": "DE",
        "state": None,
        "city": None,
        "customer_segment": "Gold",
        "signup_date": "2025-05-06",
        "total_orders": 0,
        "lifetime_value": 0,
        "avg_order_value": None,
        "first_order_date": None,
        "last_order_date": None,
        "days_since_last_order": None,
        "orders_30_days": 0,
        "orders_90_days": 0,
        "orders_365_days": 0,
        "revenue_30_days": 0,
        "revenue_90_days": 0,
        "revenue_365_days": 0,
        "favourite_category": None,
        "is_deleted": False,
        "rfm_recency": None,
        "rfm_frequency": None,
        "rfm_monetary": None,
        "rfm_label": None,
        "last_seen_at": None,
        "last_event_type": None,
        "last_session_id": None,
        "last_product_id": None,
        "events_last_5_minutes": 0,
        "events_last_hour": 0,
        "events_last_day": 0,
    }
    assert client.get("/customers/C0003").json()["last_order_date"] == "2026-01-01T00:00:00+00:00"
    anonymous = [item for item in _items(client, "/orders?limit=1000") if item["customer_id"] is None]
    assert len(anonymous) == Counter(line.customer_id for line in order_lines())[None]
