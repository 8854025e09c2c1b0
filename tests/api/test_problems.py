"""Errors: one shape, the right status, the parameter's name, the request's id."""

import io
import json
import time
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from functions.api.app import create_app
from functions.common.logging import logger
from tests.support.served_api import served, settings_for


def _is_problem(answer: httpx.Response, status: int) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.mark.parametrize("key", ["nobody", "%00", "C0001%00", "%FF%FE", "%2F", "x" * 5000, "C0001%2Forders"])
@pytest.mark.parametrize("suffix", ["", "/orders"])
def test_an_unknown_customer_is_not_found(client: httpx.Client, key: str, suffix: str) -> None:
    assert _is_problem(client.get(f"/customers/{key}{suffix}"), 404)["detail"] == ("There is no customer with this id.")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("skip=-1", "skip"),
        ("skip=x", "skip"),
        ("skip=9007199254740992", "skip"),
        ("skip=99999999999999999999999999", "skip"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=", "limit"),
        ("limit=1.5", "limit"),
    ],
)
@pytest.mark.parametrize("path", ["/customers", "/products", "/orders", "/customers/C0001/orders"])
def test_a_bad_parameter_is_named(client: httpx.Client, path: str, query: str, parameter: str) -> None:
    problem = _is_problem(client.get(f"{path}?{query}"), 422)
    assert isinstance(problem["errors"], list)
    (error,) = problem["errors"]
    assert error["parameter"] == parameter
    assert error["location"] == "query"
    assert str(problem["detail"]).startswith(f"{parameter}: ")


def test_unknown_paths_and_methods_are_problems_too(client: httpx.Client) -> None:
    for path in ("/", "/nothing", "/customers//orders", "/customers/C0001/nothing"):
        _is_problem(client.get(path), 404)
    answer = client.post("/customers")
    _is_problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"


def test_a_harmless_request_id_is_kept_and_another_replaced(client: httpx.Client) -> None:
    kept = client.get("/healthz", headers={"X-Request-ID": "order-17:a"}).headers["x-request-id"]
    assert kept == "order-17:a"
    replaced = client.get("/healthz", headers={"X-Request-ID": "a b\t<script>"}).headers["x-request-id"]
    assert len(replaced) == 36


def test_an_unforeseen_error_is_a_problem_without_its_details(
    app: FastAPI, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(app.state.database, "read_row", break_down)
    problem = _is_problem(client.get("/customers", headers={"Origin": "https://shop.example"}), 500)
    assert "secret" not in json.dumps(problem)


def test_the_log_line_has_the_routes_template_and_no_personal_data(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    target = "/customers/anna%40example.com/orders?limit=5&product_id=anna@example.com"
    client.get(target, headers={"X-Request-ID": "known"})
    client.get("/nothing/anna@example.com", headers={"X-Request-ID": "unknown"})
    deadline = time.monotonic() + 5  # a line follows its answer
    while written.getvalue().count("\n") < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    by_id = {line["request_id"]: line for line in lines}
    known, unknown = by_id["known"], by_id["unknown"]
    assert known.pop("milliseconds")
    written_at = datetime.strptime(known.pop("timestamp"), "%Y-%m-%d %H:%M:%S,%f%z")
    assert abs(written_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert known == {
        "level": "INFO",
        "location": "functions.api.request_log",
        "service": logger.service,
        "message": "request",
        "request_id": "known",
        "method": "GET",
        "route": "/customers/{customer_id}/orders",
        "status": 200,
    }
    assert "route" not in unknown
    assert unknown["status"] == 404
    assert "anna" not in json.dumps(lines)


SHOP = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}


def test_no_page_of_another_origin_may_read_unless_settings_say_so(client: httpx.Client) -> None:
    assert "access-control-allow-origin" not in client.get("/customers?limit=1", headers=SHOP).headers
    assert client.options("/customers", headers=SHOP).status_code == 400


def test_any_origin_may_read_where_that_is_configured_and_never_with_credentials(api_url: str) -> None:
    with served(create_app(settings_for(api_url, cors_allowed_origins="*"))) as client:
        for path in ("/customers?limit=1", "/customers/nobody", "/customers?limit=0"):
            answer = client.get(path, headers=SHOP)
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers
        assert client.options("/customers", headers=SHOP).status_code == 200


def test_only_the_configured_origins_may_read(api_url: str) -> None:
    app = create_app(settings_for(api_url, cors_allowed_origins="https://shop.example, https://b.example"))
    with served(app) as client:
        allowed = client.get("/healthz", headers={"Origin": "https://b.example"}).headers
        assert allowed["access-control-allow-origin"] == "https://b.example"
        assert "access-control-allow-origin" not in client.get("/healthz", headers={"Origin": "https://x"}).headers


def test_every_route_refuses_a_parameter_that_it_does_not_know(app: FastAPI, client: httpx.Client) -> None:
    for path, methods in app.openapi()["paths"].items():
        if "get" in methods:
            path = path.replace("{customer_id}", "C1").replace("{panel}", "overview")
            answer = client.get(f"{path}?unheard_of=1{'&column=revenue' if path.startswith('/metrics') else ''}")
            assert answer.status_code == 422, path
            assert "unheard_of" in {each["parameter"] for each in answer.json()["errors"]}, path
    assert client.get("/events/stream", params={"unheard_of": "1"}).status_code == 422
