"""Who may call, and what they see: no route shows a person without the scope for it."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from functions.api.app import create_app
from functions.api.resources.customers import Customer
from functions.api.security import issuer_keys
from functions.api.security.public_paths import is_public
from functions.api.settings import ApiSettings
from functions.common.errors import SettingsError
from functions.model.classification import classification
from tests.support import night
from tests.support.issuer import issuer
from tests.support.served_api import answered, served, settings_for
from tests.support.tokens import AUDIENCE, ISSUER, KEY, bearer, jwks, jwt_settings, token

MODEL = Path(__file__).parents[3] / "sql" / "model.yaml"
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

type Sign = Callable[..., str]


@pytest.fixture(scope="module")
def guarded(night_url: str) -> Iterator[httpx.Client]:
    """The API of the loaded nights, asking for tokens."""
    with served(create_app(jwt_settings(night.role_url(night_url, "c360_api")))) as client:
        yield client


@pytest.fixture(scope="module")
def masking(night_url: str) -> Iterator[httpx.Client]:
    """The API of the loaded nights, open, without the scope pii:read."""
    with served(
        create_app(settings_for(night.role_url(night_url, "c360_api"), api_open_scopes="profile:read"))
    ) as client:
        yield client


@pytest.fixture(scope="module")
def secrets(night_url: str) -> set[str]:
    """Every name, address and number that any file has held, as JSON writes it."""
    with psycopg.connect(night_url) as connection:
        rows = connection.execute("select first_name, last_name, email, phone from raw_vault.sat_customer_details")
        return {json.dumps(value, ensure_ascii=False)[1:-1] for row in rows for value in row if value}


@pytest.fixture(scope="module")
def paths(night_app: FastAPI, night_url: str) -> list[str]:
    """A path of every route that answers data: each with a customer of two versions."""
    with psycopg.connect(night_url) as connection:
        query = """
            select customer_id
            from raw_vault.hub_customer
            join raw_vault.sat_customer_details using (customer_hash_key)
            where first_name is not null and email is not null
            group by customer_id
            having count(*) > 1
            order by customer_id
        """
        [customer_id, *_] = [row[0] for row in connection.execute(query)]
        [run_id, *_] = [row[0] for row in connection.execute("select run_id from metadata.load_run order by run_id")]
    found = []
    contexts = [context for context in iter_route_contexts(night_app.routes) if "GET" in (context.methods or ())]
    for template in {context.path_format or "" for context in contexts}:
        if is_public(template):
            continue
        path = template.replace("{customer_id}", customer_id).replace("{run_id}", run_id)
        path = path.replace("{panel}/explain", "overview/explain?column=customers").replace("{panel}", "overview")
        path = path.replace("/search", f"/search?q={customer_id}")
        assert "{" not in path, f"say here how to fill in {template}"
        found.append(path)
    return sorted(found)


def _answers(path: str) -> int:
    """What a caller with all scopes gets: who comes through no link has no current one."""
    return 404 if path == "/shares/current" else 200


def test_every_route_that_answers_data_is_behind_the_gate(paths: list[str], guarded: httpx.Client) -> None:
    assert len(paths) > 15
    for path in paths:
        answer = answered(guarded, path)
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.content["request_id"] == answer.headers["x-request-id"]
        assert answered(guarded, path, bearer(token())).status_code == _answers(path), path


def test_no_route_shows_a_person_without_the_scope_for_it(
    paths: list[str], masking: httpx.Client, night_client: httpx.Client, secrets: set[str]
) -> None:
    showing = 0
    for path in paths:
        for query in ("", "?limit=1000&skip=0", "?as_of=2026-02-01", "?sort=-signup_date"):
            answer, full = answered(masking, path + query), answered(night_client, path + query)
            assert answer.status_code == full.status_code, (path, query)
            assert not set(_strings(answer.content)) & secrets, (path, query)
            showing += bool(set(_strings(full.content)) & secrets)
    assert showing >= 5, "with the scope nothing shows either, so this proves nothing"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def test_masked_values_keep_their_places_and_null_stays_null(masking: httpx.Client, night_client: httpx.Client) -> None:
    for path in ("/customers?limit=1000", "/customers?limit=1000&sort=-lifetime_value"):
        masked, full = masking.get(path).json()["items"], night_client.get(path).json()["items"]
        assert masked == [
            item | {name: item[name] and "***" for name in ("first_name", "last_name", "email", "phone")}
            for item in full
        ]


@pytest.mark.parametrize("query", ["q=anna", "email=u1@example.org", "q=anna&segment=Gold", "email="])
def test_searching_for_persons_is_refused_without_the_scope(masking: httpx.Client, query: str) -> None:
    answer = masking.get(f"/customers?{query}")
    assert answer.status_code == 403
    assert "pii:read" in answer.json()["detail"]
    assert 'scope="pii:read"' in answer.headers["www-authenticate"]


def test_no_list_sorts_by_what_it_hides(night_app: FastAPI) -> None:
    hidden = {name for name in Customer.model_fields if classification().hides(name, is_text=False)}
    assert hidden == {"first_name", "last_name", "email", "phone"}
    for methods in night_app.openapi()["paths"].values():
        for parameter in methods.get("get", {}).get("parameters", ()):
            if parameter["name"] == "sort":
                assert not hidden & {name.removeprefix("-") for name in parameter["schema"]["enum"]}


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"scope": "profile:read"}, 200),
        ({"scope": None, "scp": ["profile:read", "pii:read"]}, 200),
        ({"scope": "marketing-app/profile:read"}, 403),
        ({"scope": 5}, 401),
        ({"scope": ["profile:read", 5]}, 401),
        ({"scope": {"profile:read": True}}, 401),
        ({"token_use": "access"}, 200),
        ({"token_use": "id"}, 401),
        ({"typ": "Bearer"}, 200),
        ({"typ": "ID"}, 401),
        ({"typ": "Refresh"}, 401),
        ({"scope": "pii:read"}, 403),
        ({"scope": "openid"}, 403),
        ({"scope": None}, 403),
        ({"aud": None, "client_id": AUDIENCE}, 200),
        ({"aud": ["other", AUDIENCE]}, 200),
        ({"aud": "other"}, 401),
        ({"aud": None}, 401),
        ({"iss": "https://evil.example"}, 401),
        ({"iss": None}, 401),
        ({"exp": None}, 401),
        ({"exp": 1}, 401),
        ({"nbf": 33_000_000_000}, 401),
    ],
)
def test_a_token_opens_what_its_claims_say(guarded: httpx.Client, scope: dict[str, Any], status: int) -> None:
    answer = guarded.get("/customers?limit=1", headers=bearer(token(**scope)))
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["status"] == status
        assert answer.headers["www-authenticate"].startswith("Bearer error=")


def test_scopes_are_compared_whole(guarded: httpx.Client, night_url: str) -> None:
    """Another application's scope of the same name shows no person, whatever prefix the issuer gives ours."""
    ours = "https://c360/profile:read https://c360/pii:read"
    settings = jwt_settings(night.role_url(night_url, "c360_api"), jwt_scope_prefix="https://c360/")
    with served(create_app(settings)) as prefixed:
        for client, scope, status, shown in (
            (guarded, "profile:read marketing-app/pii:read", 200, False),
            (guarded, "profile:read pii:read", 200, True),
            (prefixed, ours, 200, True),
            (prefixed, "https://c360/profile:read marketing-app/pii:read", 200, False),
            (prefixed, "https://c360/profile:read pii:read", 200, False),
            (prefixed, "profile:read", 403, False),
        ):
            answer = client.get("/customers?limit=50", headers=bearer(token(scope=scope)))
            assert answer.status_code == status, scope
            if status == 200:
                emails = {item["email"] for item in answer.json()["items"]} - {None}
                assert (emails != {"***"}) == shown, scope


def test_a_stream_of_events_ends_with_its_token(guarded: httpx.Client) -> None:
    ends = time.time() - 30 + 3  # the clocks of issuer and API may differ by 30 seconds
    with guarded.stream("GET", "/events/stream", headers=bearer(token(exp=ends)), timeout=10) as answer:
        assert answer.status_code == 200
        assert "event: events" in "".join(answer.iter_text())


def test_a_token_that_is_not_the_issuers_opens_nothing(guarded: httpx.Client) -> None:
    public = KEY.public_key()
    wrong = [
        token(key=OTHER_KEY),
        token(kid="two", key=OTHER_KEY),
        token(key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
        token(key="a secret that is long enough for HS256" + str(public.public_numbers().n), algorithm="HS256"),
        jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60}, "", "none"),
        token()[:-4] + "AAAA",
        "not.a.token",
        "x",
    ]
    for each in wrong:
        answer = guarded.get("/customers", headers=bearer(each))
        assert answer.status_code == 401, each
    for header in ("Bearer", "Basic abc", "Bearer ,", token()):
        assert guarded.get("/customers", headers={"Authorization": header}).status_code == 401


def test_a_token_without_a_key_id_is_taken_while_the_issuer_has_one_key(guarded: httpx.Client) -> None:
    assert guarded.get("/orders?limit=1", headers=bearer(token(kid=None))).status_code == 200


def test_liveness_and_documentation_need_no_token(guarded: httpx.Client) -> None:
    for path in ("/healthz", "/readyz", "/docs", "/docs/swagger-ui.css", "/redoc", "/redoc/redoc.js", "/openapi.json"):
        assert guarded.get(path).status_code == 200, path
    for path in ("/docs/../customers", "/docsx", "//customers", "/healthz/../customers", "/Customers"):
        assert guarded.get(path).status_code in (401, 404), path


def test_a_database_that_pauses_is_not_kept_awake_by_who_has_no_token(night_url: str) -> None:
    settings = jwt_settings(night.role_url(night_url, "c360_api"))
    with served(create_app(settings.model_copy(update={"database_wake_seconds": 20}))) as client:
        assert client.get("/readyz").status_code == 401
        assert client.get("/readyz", headers=bearer(token())).status_code == 200
        assert client.get("/healthz").status_code == 200


def test_known_keys_outlive_an_issuer_that_goes_away(night_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with issuer() as (_, url):
        settings = jwt_settings(night.role_url(night_url, "c360_api"), jwt_jwks=None, jwt_jwks_url=url)
        with served(create_app(settings)) as client:
            assert client.get("/customers?limit=1", headers=bearer(token())).status_code == 200
            monkeypatch.setattr(issuer_keys, "KEYS_AGAIN_SECONDS", 0)
            monkeypatch.setattr(issuer_keys, "KEYS_LIVE_SECONDS", 0)
            monkeypatch.setattr(issuer_keys, "_fetch", _gone)
            assert client.get("/customers?limit=1", headers=bearer(token())).status_code == 200


def _gone(_url: str) -> dict[str, Any]:
    raise OSError("gone")


def test_keys_are_fetched_once_and_again_when_the_issuer_has_changed_them(
    night_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with issuer() as (state, url):
        settings = jwt_settings(night.role_url(night_url, "c360_api"), jwt_jwks=None, jwt_jwks_url=url)
        with served(create_app(settings)) as client:
            for _ in range(3):
                assert client.get("/customers?limit=1", headers=bearer(token())).status_code == 200
            assert state.asked == 1
            state.keys = jwks(("two", OTHER_KEY))
            for _ in range(3):  # made-up key ids do not make us ask
                assert client.get("/customers", headers=bearer(token(kid="x"))).status_code == 401
            assert state.asked == 1
            monkeypatch.setattr(issuer_keys, "KEYS_AGAIN_SECONDS", 0)
            answer = client.get("/customers?limit=1", headers=bearer(token(kid="two", key=OTHER_KEY)))
            assert answer.status_code == 200
            assert client.get("/customers", headers=bearer(token())).status_code == 401


def test_an_issuer_that_is_away_is_503_and_liveness_stays_up(night_url: str) -> None:
    with issuer() as (_, url):
        settings = jwt_settings(night.role_url(night_url, "c360_api"), jwt_jwks=None, jwt_jwks_url=url)
        # it was there, and has gone
    with served(create_app(settings)) as client:
        answer = client.get("/customers", headers=bearer(token()))
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "1"
        assert client.get("/healthz").status_code == 200


def test_settings_that_cannot_be_meant_are_refused() -> None:
    url = "postgresql://"
    for wrong in (
        {"API_AUTH": "jwt"},
        {"API_AUTH": "jwt", "JWT_ISSUER": ISSUER},
        {"API_AUTH": "on"},
        {"JWT_ISSUER": "http://issuer.example"},
        {"JWT_JWKS_URL": "http://issuer.example/keys"},
        {"JWT_JWKS_URL": "file:///etc/passwd"},
        {"JWT_JWKS": "{"},
        {"API_OPEN_SCOPES": "everything"},
        {"CORS_ALLOW_CREDENTIALS": "true"},
        {"CORS_ALLOW_CREDENTIALS": "true", "CORS_ALLOWED_ORIGINS": "https://a.example,*"},
    ):
        with pytest.raises(SettingsError):
            ApiSettings.from_environment({"DATABASE_URL": url} | wrong)
    fine = {"CORS_ALLOW_CREDENTIALS": "true", "CORS_ALLOWED_ORIGINS": "https://a.example"}
    assert ApiSettings.from_environment({"DATABASE_URL": url} | fine).cors_allow_credentials
