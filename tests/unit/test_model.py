"""The model file: what it may say, and that each wrong reference is refused by name before any SQL is rendered."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from functions.common.errors import ModelError
from functions.load.model import SQL_FOLDER, load_model, parse_model

REAL: dict[str, Any] = yaml.safe_load((SQL_FOLDER / "model.yaml").read_text(encoding="utf-8"))


def edited(path: str, value: object) -> str:
    """The real model as YAML, with `value` at the dotted path."""
    model = deepcopy(REAL)
    *parents, last = path.split(".")
    place = model
    for parent in parents:
        place = place[parent]
    place[last] = value
    return yaml.safe_dump(model, sort_keys=False)


def test_the_real_model_says_what_the_design_lists() -> None:
    model = load_model()
    assert {name: source.required for name, source in model.sources.items()} == {
        "customers": ("customer_id",),
        "products": ("product_id",),
        "transactions": ("transaction_id", "order_date", "product_id", "quantity", "unit_price", "total_amount"),
    }
    assert [hub.hash_key for hub in model.hubs.values()] == ["customer_hash_key", "product_hash_key", "order_hash_key"]
    pii = {name for source in model.sources.values() for name, column in source.columns.items() if column.pii}
    assert pii == {"first_name", "last_name", "email", "phone"}


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("hubs.hub_customer.sources", ["customers", "shops"], "hub_customer: there is no source shops"),
        ("hubs.hub_product.business_key", "sku", "hub_product: source products has no column sku"),
        ("links.link_customer_order.hubs", ["hub_customer", "hub_shop"], "order: there is no hub hub_shop"),
        ("links.link_order_product.indexed", ["hub_shop"], "link_order_product: there is no hub hub_shop"),
        ("links.link_customer_order.source", "customers", "source customers has no column transaction_id"),
        ("links.link_order_product.dependent_child_key", "position", "link_order_product: source transactions has no"),
        ("satellites.sat_order_line.parent", "link_shop", "sat_order_line: there is no hub or link link_shop"),
        ("satellites.sat_order_line.source", "returns", "sat_order_line: there is no source returns"),
        ("satellites.sat_order_details.columns", ["colour"], "sat_order_details: source transactions has no column"),
        ("satellites.sat_order_details.columns", [], "sat_order_details: a satellite without a driving key"),
        ("satellites.sat_customer_order_effectivity.driving_key", "hub_product", "effectivity: a driving key"),
        ("satellites.sat_customer_order_effectivity.columns", ["order_date"], "effectivity: a driving key"),
        ("satellites.sat_customer_details.driving_key", "hub_customer", "sat_customer_details: a driving key"),
        ("satellites.sat_product_details.parent", "hub_customer", "sat_product_details: hub_customer takes no"),
        ("satellites.sat_customer_details.parent", "link_customer_order", "details: link_customer_order takes no"),
        ("satellites.sat_customer_status.status_of", "sat_shop", "sat_customer_status: there is no satellite sat_shop"),
        ("satellites.sat_customer_status.status_of", "sat_customer_order_effectivity", "whose status could be kept"),
        ("satellites.sat_customer_status.columns", ["email"], "sat_customer_status: a status satellite takes neither"),
        (
            "satellites.sat_order_line_status.parent",
            "hub_order",
            "sat_order_line_status: parent and source must be those",
        ),
        ("sources.customers.measures", ["email"], "customers: measure email is not a number"),
        ("sources.products.measures", ["weight"], "products: source products has no column weight"),
        ("sources.customers.effective_at", "yesterday", "sources.customers.effective_at"),
        ("late_window_days", 0, "late_window_days"),
        ("sources.customers.columns.first_name.type", "varchar", "sources.customers.columns.first_name.type"),
        ("sources.customers.columns.first_name.nullable", True, "sources.customers.columns.first_name.nullable"),
        ("sources.customers.columns.First Name", {"type": "text"}, "sources.customers.columns.First Name"),
        ("hubs.hub_customer.hash_key", 'x" text); drop table y; --', "hubs.hub_customer.hash_key"),
        ("marts", {}, "marts"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(path: str, value: object, named: str) -> None:
    with pytest.raises(ModelError) as raised:
        parse_model(edited(path, value))
    assert named in str(raised.value)


def test_a_file_that_is_not_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(ModelError, match="line 2"):
        parse_model("sources: {}\n  hubs: [\n")


@pytest.mark.parametrize("text", ["", "[]", "sources: {}"])
def test_a_file_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(ModelError):
        parse_model(text)
