"""The OpenAPI document: committed, current, true of the answers; and Swagger UI over it."""

import json
from typing import Any

import httpx
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from functions.api.answers import Answer
from functions.api.resources.customers import Customer, CustomerProfile
from functions.api.resources.orders import OrderLine
from functions.api.resources.products import Product
from tests.support.api_contract import COMMITTED

LONGEST_URL = 65_000
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_the_app_serves_the_committed_document(client: httpx.Client) -> None:
    assert client.get("/openapi.json").json() == json.loads(COMMITTED.read_text())


def test_every_route_documents_its_errors_as_problems() -> None:
    document = json.loads(COMMITTED.read_text())
    assert "Problem" in document["components"]["schemas"]
    content = {"200": ["application/json"], "201": ["application/json"], "204": [], "304": []}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                expected = content.get(status, ["application/problem+json"])
                if path.endswith("/csv") and status == "200":
                    expected = ["text/csv"]
                assert list(response.get("content", ())) == expected, f"{method} {path} {status}"


@pytest.mark.parametrize(
    ("view", "model"),
    [
        ("vw_customer_360", CustomerProfile),
        ("vw_customer_360_published", Customer),
        ("vw_product_analytics", Product),
        ("vw_order_analytics", OrderLine),
    ],
)
def test_the_models_name_the_views_columns(admin_url: str, view: str, model: type[Answer]) -> None:
    query = (
        "select column_name from information_schema.columns where table_schema = 'business_vault' and table_name = %s"
    )
    with psycopg.connect(admin_url) as connection:
        columns = {name for (name,) in connection.execute(query, [view])}
    assert columns >= set(model.model_fields)


@pytest.mark.parametrize(
    ("path", "assets"), [("/docs", ("/docs/swagger-ui.js", "/docs/swagger-ui.css")), ("/redoc", ("/redoc/redoc.js",))]
)
def test_the_documentation_is_served_without_internet(client: httpx.Client, path: str, assets: tuple[str, ...]) -> None:
    page = client.get(path).text
    assert "https://" not in page
    assert "http://" not in page
    for asset in (*assets, "/openapi.json"):
        assert f'"{asset}"' in page or f"'{asset}'" in page
        assert client.get(asset).status_code == 200


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_generated_request_breaks_the_server_or_the_documented_schemas(
    client: httpx.Client, mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    base_url = str(client.base_url).rstrip("/")
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not operation.query:
            continue  # nothing in it can be wrong

        @seed(7)
        @settings(
            max_examples=30,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: schemathesis.Case[Any]) -> None:
            response = case.call(base_url=base_url)
            if response.text == "Invalid HTTP request received.":
                assert len(str(response.request.url)) > LONGEST_URL
                return  # uvicorn's answer, not ours
            case.validate_response(response, checks=CHECKS)

        check()
