"""Additive migrations: pure text from two models, and a clear refusal of whatever would take something away."""

from copy import deepcopy
from typing import Any

import pytest
import yaml

from functions.common.errors import MigrationError
from functions.common.sql_files import SQL_FOLDER
from functions.load.schema.migrate import Migration, read_migrations
from functions.load.schema.recorded_model import recorded_model
from functions.model.declaration import Model
from functions.model.reading import load_model
from functions.model.render.migration import not_additive, render_migration
from functions.model.render.recorded_model import render_recorded_model, structure

REAL: dict[str, Any] = yaml.safe_load((SQL_FOLDER / "model.yaml").read_text(encoding="utf-8"))
CURRENT = load_model()


def changed(change: str) -> Model:
    """The real model after a Python statement on its plain form `m`."""
    model = deepcopy(REAL)
    exec(change, {"m": model})  # noqa: S102 - the changes are written below
    return Model.model_validate(model)


def added(target: Model) -> list[str]:
    """The first line of each statement of the migration to it."""
    assert list(not_additive(CURRENT, target)) == []
    text = render_migration(CURRENT, target) or ""
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [line for line in lines if line.split(" ")[0] in ("create", "alter", "drop", "insert")]


def test_the_migrations_record_the_model_that_they_build() -> None:
    recorded = recorded_model(read_migrations())
    assert list(not_additive(recorded, CURRENT)) == []
    assert render_migration(recorded, CURRENT) is None, (
        "c360 model migration --name …, or before a release: "
        "python -m functions.model.render.ddl > sql/migrations/0002_vault.sql"
    )


def test_a_model_that_is_the_same_needs_no_migration() -> None:
    assert render_migration(CURRENT, CURRENT) is None
    assert render_migration(CURRENT, changed("m['sources']['customers']['columns']['email']['pii'] = 'name'")) is None
    assert render_migration(CURRENT, changed("m['sources']['products']['columns']['price']['required'] = True")) is None
    assert render_migration(CURRENT, changed("m['sources'] = dict(reversed(m['sources'].items()))")) is None
    columns = "m['sources']['products']['columns']"
    assert (
        render_migration(CURRENT, changed(f"m['sources']['products']['columns'] = dict(reversed({columns}.items()))"))
        is None
    )


def test_a_recorded_model_is_read_back_as_it_was() -> None:
    migrations = [Migration(1, "a", render_recorded_model(CURRENT)), Migration(2, "by_hand", "select 1;")]
    assert structure(recorded_model(migrations)) == structure(CURRENT)


@pytest.mark.parametrize("text", ["select 1;", "--| sources: [", "--| sources: {}"])
def test_migrations_that_record_no_model_are_refused(text: str) -> None:
    with pytest.raises(MigrationError):
        recorded_model([Migration(1, "a", text)])


def test_a_column_is_added_to_its_satellite_and_staging_is_recreated() -> None:
    target = changed(
        "m['sources']['customers']['columns']['loyalty'] = {'type': 'text'};"
        "m['satellites']['sat_customer_details']['columns'].append('loyalty')"
    )
    assert added(target) == [
        'drop table "staging"."customers";',
        'create table "staging"."customers" (',
        'alter table "raw_vault"."sat_customer_details" add column "loyalty" text;',
    ]


def test_a_source_comes_with_its_tables() -> None:
    target = changed(
        "m['sources']['stores'] = {'columns': {'store_id': {'type': 'text', 'required': True},"
        " 'city': {'type': 'text'}}};"
        "m['hubs']['hub_store'] = {'hash_key': 'store_hash_key', 'business_key': 'store_id', 'sources': ['stores']};"
        "m['satellites']['sat_store'] = {'parent': 'hub_store', 'source': 'stores', 'columns': ['city']}"
    )
    assert [line for line in added(target) if "insert" not in line] == [
        'create table "staging"."stores" (',
        'create table "raw_vault"."hub_store" (',
        'create table "raw_vault"."sat_store" (',
        (
            'create index on "raw_vault"."sat_store" using brin (record_source)'
            " with (pages_per_range = 16, autosummarize = on);"
        ),
    ]


def test_an_index_of_a_link_is_added() -> None:
    target = changed("m['links']['link_order_product']['indexed'].append('hub_product')")
    assert added(target) == ['create index on "raw_vault"."link_order_product" ("product_hash_key");']


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (
            ("m['sources']['products']['columns'].pop('supplier');"
            "m['satellites']['sat_product_details']['columns'].remove('supplier')"),
            "sources.products.columns.supplier", "column supplier is gone",
        ),
        (
            ("m['satellites']['sat_product_details']['columns'].insert(0, 'supplier');"
            "m['satellites']['sat_product_details']['columns'].pop()"),
            "satellites.sat_product_details.columns", "add columns at the end",
        ),
        (
            "m['sources']['products']['columns']['supplier']['type'] = 'date'",
            "sources.products.columns.supplier.type", "is text in the vault",
        ),
        (
            "m['sources']['transactions']['columns']['line_number']['default'] = '0'",
            "sources.transactions.columns.line_number.default", "is part of keys",
        ),
        (
            ("m['sources']['transactions']['columns'].update(order_no={'type': 'text', 'required': True});"
            "m['satellites']['sat_order_details']['columns'].append('transaction_id');"
            "m['hubs']['hub_order']['business_key'] = 'order_no'"),
            "hubs.hub_order.business_key", "is transaction_id in the vault",
        ),
        ("m['hubs']['hub_order']['hash_key'] = 'sale_hash_key'", "hubs.hub_order.hash_key", "is order_hash_key"),
        (
            ("m['hubs']['hub_product']['sources'].remove('products');"
            "m['satellites'].pop('sat_product_status');"
            "m['satellites'].pop('sat_product_details');"
            "m['sources'].pop('products')"),
            "hubs.hub_product.sources", "no longer takes rows",
        ),
        ("m['links']['link_order_product']['hubs'].reverse()", "links.link_order_product.hubs", "in this order"),
        (
            ("m['links']['link_order_product'].pop('dependent_child_key');"
            "m['satellites']['sat_order_line']['columns'].append('line_number')"),
            "links.link_order_product.hubs", "and line_number",
        ),
        ("m['links']['link_order_product']['indexed'].pop()", "links.link_order_product.indexed", "is gone"),
        ("m['satellites'].pop('sat_customer_status')", "satellites.sat_customer_status", "is gone"),
        (
            (
                "m['sources']['transactions']['columns']['customer_id']['required'] = True;"
                "m['satellites']['sat_customer_order_effectivity']['driving_key'] = 'hub_customer'"
            ),
            "satellites.sat_customer_order_effectivity.driving_key", "is hub_order in the vault",
        ),
    ],
)  # fmt: skip
def test_what_takes_something_away_is_refused_by_its_place(change: str, path: str, message: str) -> None:
    findings = {".".join(map(str, where)): text for where, text in not_additive(CURRENT, changed(change))}
    assert message in findings[path], findings
