"""A cursor shows nothing that the answer hides, and nobody makes one up to ask for it."""

import base64
import json
from collections.abc import Iterator

import httpx
import pytest

from functions.api.app import create_app
from functions.api.paging import collection, cursor
from functions.api.paging.sealed import is_hidden
from functions.api.resources.customers import CUSTOMERS
from functions.api.resources.orders import ORDERS
from functions.model.classification import MASK, classification
from tests.support import night
from tests.support.served_api import served, settings_for

EXPLAINED = "/metrics/customers-by-segment/explain?column=customers&limit=3"


@pytest.fixture
def emails_as_ids(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A model in which a customer's id is an e-mail address."""
    monkeypatch.setitem(classification()._fields, "customer_id", "email")
    collection.page_statement.cache_clear()
    yield
    collection.page_statement.cache_clear()


@pytest.fixture
def masking(night_url: str, emails_as_ids: None) -> Iterator[httpx.Client]:
    """The API for callers who may not see them."""
    settings = settings_for(night.role_url(night_url, "c360_api"), api_open_scopes="profile:read")
    with served(create_app(settings)) as client:
        yield client


def _ids(client: httpx.Client, target: str) -> list[str]:
    found = []
    while target:
        page = client.get(target).raise_for_status().json()
        found += [item["customer_id"] for item in page["items"]]
        target = page["next"]
    return found


@pytest.mark.parametrize("target", ["/customers?limit=3", "/customers?sort=-lifetime_value&limit=3", EXPLAINED])
def test_hidden_ids_are_not_in_cursors_and_every_item_is_reached(
    masking: httpx.Client, night_client: httpx.Client, target: str
) -> None:
    every = _ids(night_client, target.replace("limit=3", "limit=1000"))
    assert len(every) > 3
    page = masking.get(target).json()
    assert {item["customer_id"] for item in page["items"]} == {MASK}
    sealed = httpx.URL(page["next"]).params["cursor"]
    content = base64.urlsafe_b64decode(sealed.removeprefix("~") + "==")
    assert not any(each.encode() in content for each in every)
    assert _ids(masking, target) == [MASK] * len(every)


@pytest.mark.parametrize("target", ["/customers?limit=3", EXPLAINED])
def test_a_cursor_that_a_caller_made_is_refused(masking: httpx.Client, target: str) -> None:
    sort = "customer_id" if target.startswith("/customers") else ""
    sealed = httpx.URL(masking.get(target).json()["next"]).params["cursor"]
    changed = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]
    for made in (cursor.encode(sort, ["C0002"]), "~" + cursor.encode(sort, ["C0002"]), changed, "~", "~ü"):
        answer = masking.get(target, params={"cursor": made, **httpx.URL(target).params})
        assert answer.status_code == 422, made
        assert answer.json()["errors"][0]["parameter"] == "cursor"


def test_cursors_of_what_is_shown_stay_as_they_are(night_client: httpx.Client) -> None:
    following = httpx.URL(night_client.get("/customers?limit=3").json()["next"]).params["cursor"]
    assert json.loads(base64.urlsafe_b64decode(following + "=="))[0] == "customer_id"
    assert not any(is_hidden(each.order(sort)) for each in (CUSTOMERS, ORDERS) for sort in ("", *each.sorts))
