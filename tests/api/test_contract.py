"""The committed OpenAPI document is a promise: what breaks it is noticed."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.api import openapi
from tests.support.api_contract import COMMITTED, Document, breaking_changes

CURRENT: Document = json.loads(openapi.document())


def _customer(document: Document) -> dict[str, Any]:
    properties: dict[str, Any] = document["components"]["schemas"]["Customer"]["properties"]
    return properties


def _parameter(document: Document, name: str) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = document["paths"]["/customers"]["get"]["parameters"]
    return next(each for each in parameters if each["name"] == name)


def _demand(document: Document) -> None:
    document["paths"]["/orders"]["get"]["parameters"].append(
        {"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}}
    )


def _drop_parameter(document: Document) -> None:
    document["paths"]["/orders"]["get"]["parameters"].remove(
        next(each for each in document["paths"]["/orders"]["get"]["parameters"] if each["name"] == "status")
    )


BREAKING: dict[str, Callable[[Document], Any]] = {
    "/orders is gone": lambda document: document["paths"].pop("/orders"),
    "get /orders 200 is gone": lambda document: document["paths"]["/orders"]["get"]["responses"].pop("200"),
    "parameter status is gone": _drop_parameter,
    "new required parameter tenant": _demand,
    "parameter segment is required now": lambda document: _parameter(document, "segment").update(required=True),
    "parameter limit: type was integer": lambda document: _parameter(document, "limit")["schema"].update(type="string"),
    "parameter limit: maximum is narrower": lambda document: _parameter(document, "limit")["schema"].update(maximum=10),
    "takes -customer_id no more": lambda document: _parameter(document, "sort")["schema"]["enum"].remove(
        "-customer_id"
    ),
    "field city is gone": lambda document: _customer(document).pop("city"),
    "field total_orders may be string": lambda document: _customer(document)["total_orders"].update(type="string"),
    "field customer_id may be null": lambda document: _customer(document).update(
        customer_id={"anyOf": [{"type": "string"}, {"type": "null"}]}
    ),
    "field total may be missing now": lambda document: document["components"]["schemas"]["CustomerPage"][
        "required"
    ].remove("total"),
}


@pytest.mark.parametrize("sentence", BREAKING)
def test_what_breaks_callers_is_named_and_a_new_major_version_may_do_it(sentence: str) -> None:
    after = copy.deepcopy(CURRENT)
    BREAKING[sentence](after)
    changes = breaking_changes(CURRENT, after)
    assert any(sentence in change for change in changes), changes
    after["info"]["version"] = "99.0.0"
    assert breaking_changes(CURRENT, after) == []


def test_additions_break_nobody() -> None:
    after = copy.deepcopy(CURRENT)
    after["paths"]["/new"] = {"get": {"responses": {}}}
    _customer(after)["nickname"] = {"type": "string"}
    after["paths"]["/orders"]["get"]["parameters"].append({"name": "new", "in": "query", "schema": {"type": "string"}})
    _parameter(after, "limit")["schema"]["maximum"] = 5000
    _parameter(after, "sort")["schema"]["enum"].append("city")
    assert breaking_changes(CURRENT, after) == []


def test_the_app_keeps_the_committed_promise() -> None:
    assert breaking_changes(json.loads(COMMITTED.read_text()), CURRENT) == []


def test_the_committed_document_is_current() -> None:
    assert COMMITTED.read_text() == openapi.document(), "run python -m functions.api.openapi > docs/openapi.json"
