"""The views for Athena say what the model says; their SQL runs, on PostgreSQL, whose copy of the vault is the same."""

import base64
import json

from functions.model.reading import load_model, parse_model
from functions.model.render.athena import athena_views
from tests.support.csv_files import LINE, customers, products, transactions
from tests.support.edited_model import edited
from tests.support.night import Night


def test_each_satellite_has_its_history_with_business_keys(night: Night) -> None:
    night.drop("customers/dt=2026-11-01/a.csv", customers({"customer_id": "C1", "first_name": "Ann", "city": "R"}))
    night.drop("products/dt=2026-11-01/a.csv", products({"product_id": "P1", "price": "1.50"}))
    line = {**LINE, "transaction_id": "T1", "customer_id": "C1", "product_id": "P1", "line_number": "3"}
    night.drop("transactions/dt=2026-11-02/a.csv", transactions(line))
    night.run()
    views = {view.name: view for view in athena_views(load_model(), "raw_vault")}
    assert views.keys() == {f"{name.removeprefix('sat_')}_history" for name in load_model().satellites}
    found = {
        name: night.rows(f"select to_jsonb(v)::text from ({view.query}) as v where record_source > 0")
        for name, view in views.items()
    }
    [(customer,)] = found["customer_details_history"]
    assert json.loads(customer).items() >= {"customer_id": "C1", "city": "R"}.items()
    [(sold,)] = found["order_line_history"]
    assert json.loads(sold).items() >= {"transaction_id": "T1", "product_id": "P1", "line_number": 3}.items()
    assert found["product_status_history"] == [], "nothing was deleted"


def test_the_catalogs_text_is_what_athena_itself_writes() -> None:
    for view in athena_views(load_model(), "shop_vault"):
        text = view.original_text("shop_vault")
        assert text.startswith("/* Presto View: ")
        kept = json.loads(base64.b64decode(text.removeprefix("/* Presto View: ").removesuffix(" */")))
        assert (kept["originalSql"], kept["schema"]) == (view.query, "shop_vault")
        assert [column["name"] for column in kept["columns"]] == [column.name for column in view.columns]


def test_persons_are_shown_only_where_the_model_says_so() -> None:
    def shown(persons: str) -> set[str]:
        model = parse_model(edited("lake_persons", persons))
        [view] = [each for each in athena_views(model, "d") if each.name == "customer_details_history"]
        return {column.name for column in view.columns}

    assert shown("shown") - shown("hidden") == {"first_name", "last_name", "email", "phone"}
