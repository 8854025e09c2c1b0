"""The items of the API's lists as plain Python computes them from the files, and walking a list to its end."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import httpx

CUSTOMER = (
    "customer_id", "first_name", "last_name", "email", "phone", "country", "state", "city", "customer_segment",
    "signup_date", "total_orders", "lifetime_value", "avg_order_value", "first_order_date", "last_order_date",
    "days_since_last_order", "orders_30_days", "orders_90_days", "orders_365_days", "revenue_30_days",
    "revenue_90_days", "revenue_365_days", "favourite_category", "is_deleted", "rfm_recency", "rfm_frequency",
    "rfm_monetary", "rfm_label",
)  # fmt: skip
PRODUCT = (
    "product_id", "product_name", "category", "price", "cost", "supplier", "total_sold", "total_quantity", "revenue",
    "avg_price", "is_deleted",
)  # fmt: skip
LINE = (
    "transaction_id", "line_number", "customer_id", "product_id", "order_date", "quantity", "unit_price",
    "total_amount", "payment_method", "order_status",
)  # fmt: skip
KEYS = {
    "/customers": ("customer_id",),
    "/products": ("product_id",),
    "/orders": ("transaction_id", "line_number", "product_id"),
}


type Item = dict[str, Any]


def as_json_value(value: Any) -> Any:
    """As JSON shows it."""
    return value.isoformat() if isinstance(value, datetime | date) else value


def in_order(items: list[Item], path: str, sort: str) -> list[Item]:
    name = sort.removeprefix("-")

    def place(item: Item) -> tuple[Any, ...]:
        value = item[name]
        missing = value is None
        return (not missing, value if not missing else 0, *(item[key] for key in KEYS[path]))

    return sorted(items, key=place, reverse=sort.startswith("-"))


def walk(client: httpx.Client, target: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    answer = client.get(target, params=query)
    while True:
        assert answer.status_code == 200, answer.text
        page = json.loads(answer.text, parse_float=Decimal)
        yield page
        if page["next"] is None:
            return
        answer = client.get(page["next"])
