"""A customer is found by what one has at hand."""

import httpx
import pytest

from functions.api.app import create_app
from tests.support import night, night_files, oracle
from tests.support.served_api import served, settings_for

CUSTOMERS = {row[0]: row for row in oracle.marts(file for files in night_files.nights() for file in files).customers}


def _found(client: httpx.Client, q: str, limit: int = 100) -> list[str]:
    answer = client.get("/search", params={"q": q, "limit": limit})
    assert answer.status_code == 200, answer.text
    return [each["customer_id"] for each in answer.json()["items"]]


def test_an_id_comes_first_then_those_that_begin_with_it(night_client: httpx.Client) -> None:
    assert _found(night_client, "C0007") == ["C0007"]
    assert _found(night_client, "C000") == sorted(each for each in CUSTOMERS if each.startswith("C000"))
    assert _found(night_client, "C00", limit=3) == sorted(CUSTOMERS)[:3]
    assert _found(night_client, "C") == sorted(CUSTOMERS)[:100]


@pytest.mark.parametrize("q", ["schmidt", "anna schmidt", "@example.com", "100%", "back\\slash", "under_", "MÜLLER"])
def test_words_of_name_and_address_are_found_in_any_case(night_client: httpx.Client, q: str) -> None:
    def matches(row: tuple[object, ...]) -> bool:
        text = " ".join(str(each or "") for each in (row[1], row[2], row[3])).lower()
        return all(word.lower() in text for word in q.split())

    found = _found(night_client, q)
    assert found == sorted(each for each, row in CUSTOMERS.items() if matches(row))
    assert found


def test_without_the_scope_only_ids_are_found_and_names_are_hidden(night_url: str) -> None:
    settings = settings_for(night.role_url(night_url, "c360_api"), api_open_scopes="profile:read")
    with served(create_app(settings)) as client:
        assert _found(client, "schmidt") == []
        [found] = client.get("/search?q=C0007").json()["items"]
        assert {found["first_name"], found["last_name"], found["email"]} <= {"***", None}


@pytest.mark.parametrize("query", ["", "q=", f"q={'x' * 201}", "q=a&limit=0", "q=a&sort=x"])
def test_what_cannot_be_searched_is_refused(night_client: httpx.Client, query: str) -> None:
    assert night_client.get(f"/search?{query}").status_code == 422
