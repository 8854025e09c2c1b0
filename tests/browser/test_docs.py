"""Swagger and ReDoc as people see them: served by uvicorn and below API Gateway's stage, without internet."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect

from tests.support.api_contract import COMMITTED
from tests.support.browser_visit import Visit
from tests.support.platform import Platform, SampleFiles

OPERATIONS = [
    (path, operation)
    for path, methods in json.loads(COMMITTED.read_text())["paths"].items()
    for operation in methods.values()
]
SERVERS = pytest.mark.parametrize("which", ["api_url", "local_api_url"])


def _execute_customers(visit: Visit) -> Locator:
    """Open `GET /customers`, ask for two of them, press Execute; the server's answer."""
    [operation_id] = [operation["operationId"] for path, operation in OPERATIONS if path == "/customers"]
    operation = visit.page.locator(f"#operations-customers-{operation_id}")
    if operation.get_by_role("button", name="Execute").count() == 0:
        operation.locator(".opblock-summary-control").click()
        operation.get_by_role("button", name="Try it out").click()
        operation.locator('tr[data-param-name="limit"] input').fill("2")
    operation.get_by_role("button", name="Execute").click()
    return operation.locator(".live-responses-table")


@SERVERS
def test_swagger_shows_every_operation(visit: Visit, platform: Platform, which: str) -> None:
    visit.page.goto(f"{getattr(platform.outputs, which)}/docs")
    shown = visit.page.locator(".opblock")
    expect(shown).to_have_count(len(OPERATIONS))
    paths = {path.replace("\u200b", "") for path in visit.page.locator(".opblock-summary-path").all_inner_texts()}
    assert paths == {path for path, _ in OPERATIONS}


@SERVERS
def test_swagger_executes_a_request_and_shows_real_customers(
    visit: Visit, platform: Platform, sample: SampleFiles, loaded: dict[str, Any], which: str
) -> None:
    base = getattr(platform.outputs, which)
    visit.page.goto(f"{base}/docs")
    answer = _execute_customers(visit)
    expect(answer.locator(".response-col_status").last).to_contain_text("200")
    page = json.loads(answer.locator(".response-col_description .highlight-code code").first.inner_text())
    first = min(sample.read("customers"), key=lambda row: row["customer_id"])
    assert page["total"] == platform.get(base, "/customers?limit=1")["total"]
    assert len(page["items"]) == 2
    shown = page["items"][0]
    assert (shown["customer_id"], shown["email"]) == (first["customer_id"], first["email"])
    [request] = visit.sent(urlsplit(f"{base}/customers").path)
    assert request.url == f"{base}/customers?skip=0&limit=2&sort=customer_id"


@SERVERS
def test_redoc_shows_every_operation(visit: Visit, platform: Platform, which: str) -> None:
    visit.page.goto(f"{getattr(platform.outputs, which)}/redoc")
    expect(visit.page.get_by_role("heading", name=re.compile(r"^Customer 360"))).to_be_visible()
    expect(visit.page.locator('[data-section-id*="/operation/"]')).to_have_count(len(OPERATIONS))
    expect(visit.page.get_by_alt_text("redocly logo")).to_be_visible()


def test_authorized_in_swagger_a_request_carries_key_and_token(
    visit: Visit, locked: Platform, loaded: dict[str, Any]
) -> None:
    base = locked.outputs.api_url
    visit.allow(r"status of 403 .*/customers")
    visit.page.goto(f"{base}/docs")
    answer = _execute_customers(visit)
    expect(answer.locator(".response-col_status").last).to_contain_text("403")
    visit.page.get_by_role("button", name="Authorize").click()
    for scheme, secret in (("apiKey", locked.outputs.api_key or ""), ("bearer", "a.b.c")):
        form = visit.page.locator(".auth-container", has=visit.page.locator("code", has_text=scheme))
        form.locator("input").fill(secret)
        form.get_by_role("button", name="Apply credentials").click()
    visit.page.get_by_role("button", name="Close", exact=True).first.click()
    answer = _execute_customers(visit)
    expect(answer.locator(".response-col_status").last).to_contain_text("200")
    refused, answered = visit.sent(urlsplit(f"{base}/customers").path)
    assert "x-api-key" not in refused.headers
    assert answered.headers["x-api-key"] == locked.outputs.api_key
    assert answered.headers["authorization"] == "Bearer a.b.c"
