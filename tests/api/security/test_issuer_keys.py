"""An issuer that is slow or away, and callers who make up key ids, delay nobody whose key is known."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from functions.api.app import create_app
from functions.api.security import issuer_keys
from tests.support import night
from tests.support.issuer import Issuer, issuer
from tests.support.served_api import served
from tests.support.tokens import KEY, bearer, jwks, jwt_settings, token

type Guarded = tuple[httpx.Client, type[Issuer]]


@pytest.fixture
def guarded(night_url: str) -> Iterator[Guarded]:
    """The API of an issuer whose keys it has not fetched yet."""
    with issuer() as (state, url):
        settings = jwt_settings(night.role_url(night_url, "c360_api"), jwt_jwks=None, jwt_jwks_url=url)
        with served(create_app(settings)) as client:
            yield client, state


def _status(client: httpx.Client, key_id: str = "one") -> int:
    return client.get("/customers?limit=1", headers=bearer(token(kid=key_id))).status_code


def test_a_slow_issuer_and_made_up_key_ids_delay_nobody_whose_key_is_known(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, state = guarded
    assert _status(client) == 200
    monkeypatch.setattr(issuer_keys, "KEYS_AGAIN_SECONDS", 0)
    state.seconds = 2.5
    with ThreadPoolExecutor(16) as threads:
        strangers = [threads.submit(_status, client, uuid4().hex) for _ in range(16)]
        while state.asked < 2:
            time.sleep(0.01)
        began = time.monotonic()
        for _ in range(10):
            assert _status(client) == 200
        assert time.monotonic() - began < 2, "they waited for the issuer"
        assert {each.result() for each in strangers} == {503}
    assert state.asked == 2, "one question for all of them"


def test_an_old_key_is_used_while_the_issuer_is_asked_again(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    client, state = guarded
    assert _status(client) == 200
    monkeypatch.setattr(issuer_keys, "KEYS_LIVE_SECONDS", 0)
    monkeypatch.setattr(issuer_keys, "KEYS_AGAIN_SECONDS", 0)
    state.seconds, state.keys = 0.5, jwks(("two", KEY))
    assert _status(client) == 200
    deadline = time.monotonic() + 20
    while (status := _status(client)) == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert status == 401, "the issuer has taken it back"


def test_what_failed_is_not_tried_again_for_every_caller(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    client, state = guarded
    state.keys = "no keys"
    for _ in range(5):
        assert _status(client) == 503
        assert _status(client, uuid4().hex) == 503
    assert state.asked == 1
    monkeypatch.setattr(issuer_keys, "FAILED_AGAIN_SECONDS", 0)
    state.keys = jwks(("one", KEY))
    assert _status(client) == 200
    for _ in range(5):
        assert _status(client, uuid4().hex) == 401
    assert state.asked == 2, "made-up ids are answered from what was fetched"
