"""Every list, filter, sort and page against the same answer computed by plain Python from the CSV files."""

import json
import random
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import httpx
import pytest

from tests.support import night_files, oracle
from tests.support.api_items import CUSTOMER, KEYS, LINE, PRODUCT, Item, as_json_value, in_order, walk

SORTS = {
    "/customers": ("customer_id", "lifetime_value", "total_orders", "last_order_date", "signup_date"),
    "/products": ("product_id", "revenue", "total_quantity"),
    "/orders": ("transaction_id", "order_date", "total_amount"),
}
WORDS = ("schm", "MÜLLER", "anna Schmidt", "%.1", "r_s", "k\\s", "example.com U", "xyz")

type Predicate = Callable[[Item], bool]


@pytest.fixture(scope="module")
def expected() -> dict[str, list[Item]]:
    """All items of each list."""
    marts = oracle.marts(file for files in night_files.nights() for file in files)
    return {
        "/customers": [dict(zip(CUSTOMER, row, strict=True)) for row in marts.customers],
        "/products": [dict(zip(PRODUCT, row, strict=True)) for row in marts.products],
        "/orders": [dict(zip(LINE, row, strict=True)) for row in marts.lines],
    }


def _compare(client: httpx.Client, path: str, query: dict[str, str], items: list[Item], limit: int) -> None:
    """By cursor and by skip: the same items in the same order, with the total on every page."""
    want = [{name: as_json_value(value) for name, value in item.items()} for item in items]
    pages = list(walk(client, path, query | {"limit": str(limit)}))
    assert [item for page in pages for item in page["items"]] == want, query
    assert {page["total"] for page in pages} == {len(want)}
    assert all(len(page["items"]) == limit for page in pages[:-1])
    for skip in {0, len(want) // 2, len(want)}:
        page = client.get(path, params=query | {"limit": str(limit), "skip": str(skip)})
        assert json.loads(page.text, parse_float=Decimal)["items"] == want[skip : skip + limit], (query, skip)
        assert page.json()["total"] == len(want)


def _customer_filters(draw: random.Random) -> tuple[dict[str, str], Predicate]:
    query: dict[str, str] = {}
    tests: list[Predicate] = []
    if draw.random() < 0.5:
        query["segment"] = segment = draw.choice((*night_files.SEGMENTS, "none"))
        tests.append(lambda item: (item["customer_segment"] or "") == segment)
    if draw.random() < 0.4:
        query["country"] = country = draw.choice(("Germany", "France", "USA"))
        tests.append(lambda item: item["country"] == country)
    if draw.random() < 0.4:
        query["state"] = state = draw.choice(("Berlin", "Île-de-France", "Bayern", ""))
        tests.append(lambda item: (item["state"] or "") == state)
    if draw.random() < 0.5:
        query["q"] = words = draw.choice(
            ("schm", "MÜLLER", "anna Schmidt", "%.1", "r_s", "k\\s", "example.com U", "xyz")
        )

        def found(item: Item) -> bool:
            text = " ".join(item[name] or "" for name in ("first_name", "last_name", "email")).lower()
            return all(word in text for word in words.lower().split())

        tests.append(found)
    return query, lambda item: all(test(item) for test in tests)


def _order_filters(draw: random.Random, *, all_customers: bool = True) -> tuple[dict[str, str], Predicate]:
    query: dict[str, str] = {}
    tests: list[Predicate] = []
    if draw.random() < 0.5:
        query["status"] = status = draw.choice((*night_files.STATUSES, "none"))
        tests.append(lambda item: (item["order_status"] or "") == status)
    if draw.random() < 0.3:
        query["product_id"] = product = f"P{draw.randrange(night_files.PRODUCTS):03}"
        tests.append(lambda item: item["product_id"] == product)
    if all_customers and draw.random() < 0.3:
        query["customer_id"] = customer = f"C{draw.randrange(night_files.CUSTOMERS):04}"
        tests.append(lambda item: item["customer_id"] == customer)
    if draw.random() < 0.5:
        query["ordered_from"] = "2025-08-01"
        tests.append(lambda item: item["order_date"] >= datetime.fromisoformat("2025-08-01T00:00:00Z"))
    if draw.random() < 0.5:
        query["ordered_before"] = "2025-10-15T13:00:00+00:00"
        tests.append(lambda item: item["order_date"] < datetime.fromisoformat("2025-10-15T13:00:00Z"))
    return query, lambda item: all(test(item) for test in tests)


def _product_filters(draw: random.Random) -> tuple[dict[str, str], Predicate]:
    query: dict[str, str] = {}
    tests: list[Predicate] = []
    if draw.random() < 0.5:
        query["category"] = category = draw.choice(("Books", "Toys & Games", "", "none"))
        tests.append(lambda item: (item["category"] or "") == category)
    if draw.random() < 0.5:
        query["q"] = word = draw.choice(("lamp", "GRÖSSE", "größe", "P_1", "desk 1"))
        tests.append(lambda item: all(each in (item["product_name"] or "").lower() for each in word.lower().split()))
    return query, lambda item: all(test(item) for test in tests)


FILTERS = {"/customers": _customer_filters, "/products": _product_filters, "/orders": _order_filters}


@pytest.mark.parametrize("path", KEYS)
@pytest.mark.parametrize("descending", [False, True])
def test_every_sort_gives_every_item_once_andin_order(
    night_client: httpx.Client, expected: dict[str, list[Item]], path: str, descending: bool
) -> None:
    for name in SORTS[path]:
        sort = f"-{name}" if descending else name
        _compare(night_client, path, {"sort": sort}, in_order(expected[path], path, sort), limit=37)


@pytest.mark.parametrize("path", KEYS)
def test_every_mixture_of_filters_and_sorts_gives_what_python_gives(
    night_client: httpx.Client, expected: dict[str, list[Item]], path: str
) -> None:
    draw = random.Random(7)
    found = 0
    for _ in range(40):
        query, fits = FILTERS[path](draw)
        sort = draw.choice(("", "-")) + draw.choice(SORTS[path])
        items = in_order([item for item in expected[path] if fits(item)], path, sort)
        _compare(night_client, path, query | {"sort": sort}, items, limit=draw.choice((1, 5, 100)) if items[20:] else 3)
        found += bool(items)
    assert found > 10, "too many of these filters find nothing to prove anything"


def test_one_customers_orders_are_those_of_the_files(
    night_client: httpx.Client, expected: dict[str, list[Item]]
) -> None:
    draw = random.Random(8)
    for _ in range(25):
        customer_id = f"C{draw.randrange(night_files.CUSTOMERS):04}"
        query, fits = _order_filters(draw, all_customers=False)
        items = [item for item in expected["/orders"] if item["customer_id"] == customer_id and fits(item)]
        _compare(
            night_client,
            f"/customers/{customer_id}/orders",
            query,
            in_order(items, "/orders", "-order_date"),
            limit=draw.choice((1, 3, 100)),
        )


def test_an_e_mail_is_looked_up_exactly_and_in_any_case(
    night_client: httpx.Client, expected: dict[str, list[Item]]
) -> None:
    addresses = {item["email"] for item in expected["/customers"] if item["email"]}
    for address in sorted(addresses)[:20]:
        want = [
            item["customer_id"] for item in expected["/customers"] if (item["email"] or "").lower() == address.lower()
        ]
        page = night_client.get("/customers", params={"email": address.swapcase() if address.isascii() else address})
        assert [item["customer_id"] for item in page.json()["items"]] == want
    assert night_client.get("/customers", params={"email": "%@example.com"}).json()["total"] == 0


def test_fields_select_from_the_same_items(night_client: httpx.Client, expected: dict[str, list[Item]]) -> None:
    for path, names in (("/customers", CUSTOMER), ("/products", PRODUCT), ("/orders", LINE)):
        for chosen in ((names[-1],), (names[2], names[0]), tuple(reversed(names))):
            page = night_client.get(path, params={"fields": ",".join(chosen), "limit": "1000"})
            found = json.loads(page.text, parse_float=Decimal)["items"]
            assert found == [{name: as_json_value(item[name]) for name in chosen} for item in expected[path]]
            assert list(found[0]) == list(chosen)


def _has(items: dict[str, Item], key: str, field: str, value: str) -> Predicate:
    """Whether what a line names by `key` has this value, the empty one for none."""

    def fits(line: Item) -> bool:
        shown = items[line[key]][field] if line[key] in items else None
        return bool((shown or "") == value)

    return fits


def test_order_lines_are_found_by_their_customer_product_and_day(
    night_client: httpx.Client, expected: dict[str, list[Item]]
) -> None:
    customers = {item["customer_id"]: item for item in expected["/customers"]}
    products = {item["product_id"]: item for item in expected["/products"]}
    tests: dict[tuple[str, str], Predicate] = {
        ("since", "2025-09-01"): lambda item: item["order_date"].date().isoformat() >= "2025-09-01",
        ("until", "2025-10-01"): lambda item: item["order_date"].date().isoformat() <= "2025-10-01",
    }
    for name, field, values in (
        ("segment", "customer_segment", ("Gold", "")),
        ("country", "country", ("Germany", "")),
        ("state", "state", ("Berlin", "")),
    ):
        for value in values:
            tests[name, value] = _has(customers, "customer_id", field, value)
    for value in ("Books", ""):
        tests["category", value] = _has(products, "product_id", "category", value)
    for (name, value), fits in tests.items():
        items = in_order([item for item in expected["/orders"] if fits(item)], "/orders", "-order_date")
        assert 0 < len(items) < len(expected["/orders"])
        _compare(night_client, "/orders", {name: value, "sort": "-order_date"}, items, limit=100)
    answer = night_client.get("/orders?as_of=2026-02-01&state=Berlin")
    assert answer.status_code == 422
    assert "as of" in answer.json()["detail"]
