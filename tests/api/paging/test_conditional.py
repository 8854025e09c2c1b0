"""Caching, compression and cross-origin reading: the conventions of HTTP that callers rely on."""

import httpx
import psycopg
import pytest

from functions.api.app import create_app
from tests.support.served_api import PASSWORD, add, as_role, change, served, settings_for

PATHS = (
    "/customers",
    "/customers?limit=2&sort=-lifetime_value",
    "/customers/C0001/orders",
    "/orders",
    "/products?fields=product_id",
    "/metrics/overview",
    "/metrics/revenue-by-day",
)


@pytest.mark.parametrize("path", PATHS)
def test_an_unchanged_answer_is_304_until_the_marts_are_published_again(
    changing: httpx.Client, changing_url: str, path: str
) -> None:
    first = changing.get(path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert changing.get(path).headers["etag"] == tag
    for held in (tag, tag.removeprefix("W/"), f'"other", {tag}', f'W/"a",{tag}'):
        again = changing.get(path, headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["x-request-id"]
    change(changing_url, add("!first"))
    renewed = changing.get(path, headers={"If-None-Match": tag})
    assert renewed.status_code == 200
    assert renewed.headers["etag"] != tag


def test_a_profiles_tag_holds_until_the_profile_changes(changing: httpx.Client, changing_url: str) -> None:
    for path in ("/customers/C0001", "/customers/C0001?fields=city"):
        first = changing.get(path)
        held = {"If-None-Match": first.headers["etag"]}
        assert first.headers["cache-control"] == "private, no-cache"
        change(changing_url, add(f"!{path}"))
        again = changing.get(path, headers=held)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", held["If-None-Match"])
        change(changing_url, f"update business_vault.mart_customer_360 set city = '{path}'")
        renewed = changing.get(path, headers=held)
        assert renewed.status_code == 200
        assert renewed.headers["etag"] != held["If-None-Match"]


def test_a_tag_belongs_to_one_url_and_one_view_of_persons(changing: httpx.Client, changing_url: str) -> None:
    paths = (*PATHS, "/customers/C0001")
    tags = {changing.get(path).headers["etag"] for path in paths}
    assert len(tags) == len(paths)
    masked = create_app(settings_for(as_role(changing_url, "c360_api", PASSWORD), api_open_scopes="profile:read"))
    with served(masked) as client:
        host = {"Host": changing.base_url.netloc.decode()}
        assert client.get("/customers", headers=host).headers["etag"] not in tags
    other = changing.get("/customers", headers={"Host": "shop.example"})
    assert other.headers["etag"] not in tags, "its next link names another host"


def test_errors_and_unpublished_marts_carry_no_tag(changing: httpx.Client, changing_url: str) -> None:
    tag = changing.get("/customers").headers["etag"]
    for path in ("/customers/nobody", "/customers?limit=0", "/nothing", "/healthz", "/customers/C0001/timeline"):
        answer = changing.get(path, headers={"If-None-Match": tag})
        assert answer.status_code != 304
        assert "etag" not in answer.headers
    with psycopg.connect(changing_url) as connection:
        connection.execute("delete from metadata.mart_publication")
    answer = changing.get("/customers", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert "etag" not in answer.headers


def test_long_answers_are_compressed_for_those_who_take_it(changing: httpx.Client) -> None:
    plain = changing.get("/customers", headers={"Accept-Encoding": "identity"})
    packed = changing.get("/customers", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert packed.json() == plain.json()
    assert "Accept-Encoding" in packed.headers["vary"]
    assert "content-encoding" not in changing.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers


def test_named_origins_may_send_credentials_and_see_the_tags(changing_url: str) -> None:
    settings = settings_for(
        as_role(changing_url, "c360_api", PASSWORD),
        cors_allowed_origins="https://shop.example",
        cors_allow_credentials=True,
    )
    with served(create_app(settings)) as client:
        allowed = client.get("/customers", headers={"Origin": "https://shop.example"}).headers
        assert allowed["access-control-allow-origin"] == "https://shop.example"
        assert allowed["access-control-allow-credentials"] == "true"
        assert "ETag" in allowed["access-control-expose-headers"]
        assert "access-control-allow-origin" not in client.get("/customers", headers={"Origin": "https://x"}).headers
        preflight = {
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization, if-none-match",
        }
        answer = client.options("/customers", headers=preflight)
        assert answer.status_code == 200
        assert "if-none-match" in answer.headers["access-control-allow-headers"]
