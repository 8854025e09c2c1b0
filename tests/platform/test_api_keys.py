"""`c360 up --api-key`: the real API Gateway of LocalStack lets nobody in without the key that `c360 outputs` prints.

Rates and quotas are asserted in the template (tests/infra/test_api_stack.py): LocalStack enforces none.
"""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from functions.api.security.public_paths import PUBLIC
from tests.support.platform import Platform


@pytest.fixture
def gateway(locked: Platform) -> Iterator[httpx.Client]:
    """A client of the API through API Gateway."""
    with httpx.Client(base_url=locked.outputs.api_url, trust_env=False, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    "headers", [{}, {"X-Api-Key": ""}, {"X-Api-Key": "a-wrong-one"}], ids=["none", "empty", "wrong"]
)
@pytest.mark.parametrize("path", ["/customers", "/customers/C000001", "/", "/nothing"])
def test_without_the_key_everything_is_refused(gateway: httpx.Client, headers: dict[str, str], path: str) -> None:
    answer = gateway.get(path, headers=headers)
    assert answer.status_code == 403
    assert answer.json() == {"message": "Forbidden"}  # LocalStack's, which leaves out the template's problem
    assert answer.headers["X-Amzn-ErrorType"] == "ForbiddenException"


def test_with_the_key_that_outputs_print_the_api_answers(
    gateway: httpx.Client, locked: Platform, loaded: dict[str, Any]
) -> None:
    key = locked.json("outputs")["api_key"]
    assert len(key) >= 20
    assert key == locked.outputs.api_key
    page = gateway.get("/customers?limit=2", headers={"X-Api-Key": key}).json()
    open_to_all = locked.get(locked.outputs.local_api_url, "/customers?limit=2")
    assert page["total"] == open_to_all["total"] >= 1_000
    assert [item["customer_id"] for item in page["items"]] == [item["customer_id"] for item in open_to_all["items"]]
    assert gateway.get(page["next"], headers={"X-Api-Key": key}).status_code == 200
    assert gateway.get(page["next"]).status_code == 403


def test_what_the_app_calls_public_needs_no_key(gateway: httpx.Client) -> None:
    script = re.search(r'src="(dashboard/[^"]+)"', gateway.get("/dashboard").text)
    assert script
    below = {"/docs/": "/docs/swagger-ui.css", "/redoc/": "/redoc/redoc.js", "/dashboard/": f"/{script[1]}"}
    for path in PUBLIC:
        assert gateway.get(below.get(path, path)).status_code == 200, path


def test_a_browser_may_ask_before_it_sends_the_key(gateway: httpx.Client) -> None:
    asked = {"Origin": "http://localhost:3000", "Access-Control-Request-Headers": "x-api-key"}
    answer = gateway.options("/customers", headers=asked | {"Access-Control-Request-Method": "GET"})
    assert answer.status_code == 204
    assert "X-Api-Key" in answer.headers["Access-Control-Allow-Headers"]
