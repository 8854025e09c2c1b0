"""HTTP as RFC 9110 has it, of every resource alike."""

import httpx
import pytest

from tests.support.served_api import Invoke

PATHS = [
    "/customers?limit=2",
    "/customers/C0001",
    "/customers/C0001/orders",
    "/products",
    "/orders?limit=1",
    "/healthz",
]


@pytest.mark.parametrize("path", [*PATHS, "/openapi.json", "/docs", "/customers/nobody", "/customers?limit=0"])
def test_head_answers_as_get_does_without_content(client: httpx.Client, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    own = {"date", "x-request-id"}
    assert {name: value for name, value in head.headers.items() if name not in own} == {
        name: value for name, value in got.headers.items() if name not in own
    }


def test_head_of_endless_events_ends(night_client: httpx.Client) -> None:
    answer = night_client.head("/events/stream", timeout=20)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("path", ["/customers", "/customers/C0001/orders", "/orders"])
def test_any_answer_meets_a_star(changing: httpx.Client, path: str) -> None:
    tag = changing.get(path).headers["etag"]
    star = changing.get(path, headers={"If-None-Match": "*"})
    assert (star.status_code, star.content, star.headers["etag"]) == (304, b"", tag)
    assert changing.get("/customers/nobody/orders", headers={"If-None-Match": "*"}).status_code == 404


@pytest.mark.parametrize(
    ("accepted", "is_compressed"),
    [
        ("gzip", True),
        ("br, gzip;q=0.5", True),
        ("GZIP; q=0.001", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("*;q=0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_gzip_is_for_callers_who_take_it(client: httpx.Client, accepted: str, is_compressed: bool) -> None:
    answer = client.get("/customers?limit=100", headers={"Accept-Encoding": accepted})
    assert answer.status_code == 200
    assert (answer.headers.get("content-encoding") == "gzip") is is_compressed
    assert "accept-encoding" in answer.headers["vary"].lower()


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit=1&skip=0&limit=1", "country=DE&country=", "x=1&x=2"])
def test_a_parameter_given_twice_is_refused(client: httpx.Client, query: str) -> None:
    answer = client.get(f"/customers?{query}")
    assert answer.status_code == 422
    problem = answer.json()
    assert [each["detail"] for each in problem["errors"]] == ["is given more than once"]
    assert problem["errors"][0]["parameter"] == query.partition("=")[0]
    assert problem["request_id"] == answer.headers["x-request-id"]


def test_every_answer_tells_browsers_to_do_no_harm(client: httpx.Client) -> None:
    for path in (
        "/customers?limit=1",
        "/customers/nobody",
        "/openapi.json",
        "/docs",
        "/docs/start.js",
        "/redoc",
        "/dashboard",
    ):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer", path
        policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'", path
        assert policy["frame-ancestors"] == "'none'", path
        assert policy.get("script-src") in (None, "'self'"), path
        assert ("'unsafe-inline'" in policy.get("style-src", "")) == (path == "/redoc"), path
        assert "strict-transport-security" not in headers, "not behind TLS"
    assert "script-src" not in client.get("/customers?limit=1").headers["content-security-policy"]


def test_behind_tls_browsers_are_told_to_keep_to_it(client: httpx.Client, invoke: Invoke) -> None:
    behind = client.get("/healthz", headers={"X-Forwarded-Proto": "https"}).headers
    assert behind["strict-transport-security"] == "max-age=31536000"
    assert invoke("/healthz")["headers"]["strict-transport-security"] == "max-age=31536000"
