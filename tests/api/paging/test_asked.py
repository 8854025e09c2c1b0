"""A list's query string, parsed once for all its pages: with the same answers and refusals as if parsed each time."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from functions.api.paging.asked import asked_of
from functions.api.paging.collection import Collection
from functions.api.resources.customers import CUSTOMERS, CustomersQuery


def test_pages_of_a_list_share_what_is_asked() -> None:
    first, no_cursor = asked_of(b"sort=-lifetime_value&limit=7", CustomersQuery)
    one, cursor = asked_of(b"sort=-lifetime_value&limit=7&cursor=a%2Bb", CustomersQuery)
    other, _ = asked_of(b"cursor=second&sort=-lifetime_value&limit=7", CustomersQuery)
    assert (no_cursor, cursor) == (None, "a+b")
    assert one is other
    assert first is not one
    selected = one.selection(CUSTOMERS, (), masked=False)
    assert selected.after_cursor
    assert selected.limit == 7
    assert one.selection(CUSTOMERS, (), masked=True) != selected
    assert not first.selection(CUSTOMERS, (), masked=False).after_cursor


def test_each_collection_has_a_selection_of_its_own() -> None:
    asked, _ = asked_of(b"limit=3", CustomersQuery)
    other = Collection(CUSTOMERS.model, CUSTOMERS.relation, CUSTOMERS.key)
    assert asked.selection(other, (), masked=False).collection is other
    assert asked.selection(CUSTOMERS, (), masked=False).collection is CUSTOMERS


@pytest.mark.parametrize(
    "query", ["sort=-lifetime_value&limit=2&segment=Gold&segment=", "limit=2", "limit=2&q=ann%20a"]
)
def test_the_next_page_keeps_what_was_asked(client: httpx.Client, query: str) -> None:
    url = f"/customers?{query}"
    for _ in range(3):
        url = client.get(url).json()["next"]
        if url is None:
            return
        asked = parse_qs(urlsplit(url).query, keep_blank_values=True)
        del asked["cursor"]
        assert asked == parse_qs(query, keep_blank_values=True)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("cursor=a&cursor=b", "cursor"),
        ("cursor=a&%63ursor=b", "cursor"),
        ("skip=1&cursor=a", "cursor"),
        ("cursor=" + "a" * 20_001, "cursor"),
        ("cursor=", "cursor"),
        ("%63ursor=a", "cursor"),
        ("limit=0&cursor=a", "limit"),
    ],
)
def test_a_cursor_is_refused_as_before(client: httpx.Client, query: str, parameter: str) -> None:
    for _ in range(2):
        answer = client.get(f"/customers?{query}")
        assert answer.status_code == 422
        assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
