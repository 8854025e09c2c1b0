"""SQL that the real model renders, kept as files: a change of the generator shows as a change of SQL in review.

`python -m tests.model.golden` writes the files again.
"""

from pathlib import Path

from psycopg import sql

from functions.model.declaration import Model
from functions.model.reading import load_model
from functions.model.render.athena import athena_views
from functions.model.render.quarantine import render_quarantine, render_unknown_columns
from functions.model.render.repeated_rows import render_repeated_rows
from functions.model.render.spark import ddl, staging, status, vault
from functions.model.render.staging import (
    SharedPartition,
    StagedPart,
    render_attach,
    render_copy,
    render_measures,
    render_raw_table,
    render_shared_table,
    render_stage,
)
from functions.model.render.status import Reach, render_affected, render_observed, render_status
from functions.model.render.vault import render_hub, render_link, render_newest, render_satellite

FOLDER = Path(__file__).parent


def rendered() -> dict[str, str]:
    """Name of the golden file -> the SQL it must hold. One of each kind, and the kinds within a kind."""
    model = load_model()
    customers, lines = StagedPart("customers", 7, 0), StagedPart("transactions", 8, 2)
    shared = SharedPartition("customers", 256, 512)
    beside_others = StagedPart("customers", 300, 0, shared)
    measures = render_measures(model, lines)
    assert measures is not None
    statements: dict[str, sql.Composed] = {
        "raw_table": render_raw_table(model, customers, ["unknown_1"], first_row=1),
        "copy": render_copy(model, customers, ["customer_id", "unknown_1", "city"]),
        "stage_customers": render_stage(model, customers),
        "stage_transactions": render_stage(model, lines),
        "attach": render_attach(lines),
        "shared_table": sql.SQL(";\n").join(render_shared_table(shared)),
        "stage_shared": render_stage(model, beside_others),
        "attach_shared": render_attach(beside_others),
        "quarantine_customers": render_quarantine(model, customers),
        "unknown_columns": render_unknown_columns(customers, {"loyalty": "unknown_1"}),
        "measures": measures,
        "hub_customer": render_hub(model, "hub_customer", "transactions"),
        "hub_order": render_hub(model, "hub_order", "transactions"),
        "link_customer_order": render_link(model, "link_customer_order"),
        "link_order_product": render_link(model, "link_order_product"),
        "sat_product_details": render_satellite(model, "sat_product_details", is_late=False),
        "sat_product_details_first": render_newest(model, "sat_product_details", is_first=True),
        "sat_product_details_newest": render_newest(model, "sat_product_details"),
        "sat_order_line_newest_large": render_newest(model, "sat_order_line", is_large=True, in_range=True),
        "sat_product_details_large": render_satellite(model, "sat_product_details", is_late=False, is_large=True),
        "sat_product_details_late": render_satellite(model, "sat_product_details", is_late=True),
        "sat_order_line": render_satellite(model, "sat_order_line", is_late=False),
        "sat_customer_order_effectivity": render_satellite(model, "sat_customer_order_effectivity", is_late=True),
        "repeated_rows": render_repeated_rows(model, "transactions"),
        "affected_lines": render_affected(model, "sat_order_line_status", "incomplete"),
        "affected_lines_late": render_affected(model, "sat_order_line_status", "several"),
        "present_lines": render_observed(model, "sat_order_line_status")["present"],
        "first_observed_lines": render_observed(model, "sat_order_line_status")["first_observed"],
        "sat_order_line_status": render_status(model, "sat_order_line_status"),
        "affected_customers": render_affected(model, "sat_customer_status", "everything"),
        "sat_customer_status": render_status(model, "sat_customer_status"),
    }
    texts = {name: statement.as_string() for name, statement in statements.items()} | _in_spark(model)
    texts |= {
        f"athena_{view.name}": view.statement
        for view in athena_views(model, "c360_vault")
        if view.name in ("customer_details_history", "order_line_history", "order_line_status_history")
    }
    return {f"{name}.sql": text + "\n" for name, text in texts.items()}


def _in_spark(model: Model) -> dict[str, str]:
    """What the same declarations are in Spark."""
    created = dict(ddl.tables(model))
    statements = {
        "create_hub_customer": created["hub_customer"],
        "create_link_order_product": created["link_order_product"],
        "create_sat_order_line": created["sat_order_line"],
        "create_record_tracking_satellite": created["record_tracking_satellite"],
        "zero_key": ddl.render_zero_key(model, "hub_customer"),
        "hashed_customers": staging.render_hashed(model, "customers", is_escaped=True),
        "hashed_transactions": staging.render_hashed(model, "transactions", is_escaped=False),
        "several_transactions": staging.render_several(model, "transactions"),
        "repeated_customers": staging.render_repeated(model, "customers"),
        "repeated_transactions": staging.render_repeated(model, "transactions"),
        "stage_transactions": staging.render_staged(model, "transactions", is_repeated=True),
        "named_of_hub_customer": vault.render_named(model, "hub_customer", "transactions", is_one_file=True),
        "named_of_link_order_product": vault.render_named(
            model, "link_order_product", "transactions", is_one_file=True
        ),
        "hub_customer": vault.render_first_named(model, "hub_customer", is_first=True),
        "link_order_product": vault.render_first_named(model, "link_order_product"),
        "remembered": vault.render_remembered("sat_product_details"),
        "sat_product_details": vault.render_satellite(model, "sat_product_details", is_late=False),
        "sat_product_details_late": vault.render_satellite(model, "sat_product_details", is_late=True),
        "sat_customer_order_effectivity": vault.render_satellite(model, "sat_customer_order_effectivity", is_late=True),
        "sat_order_line_status": status.render_status(model, "sat_order_line_status"),
        "sat_customer_status": status.render_status(model, "sat_customer_status"),
    }
    for suffix, is_late in (("", False), ("_late", True)):
        views = vault.render_satellite_views(model, "sat_order_line", is_late=is_late)
        statements |= {f"{name}_of_sat_order_line{suffix}": text for name, text in views.items()}
    for satellite in ("sat_order_line", "sat_order_details"):
        views = vault.render_satellite_views(model, satellite, is_late=False, is_first=True, is_one_file=True)
        statements[f"first_of_{satellite}"] = views["sequenced"]
    reaches: dict[str, Reach] = {"sat_order_line_status": "several", "sat_customer_status": "everything"}
    for satellite, reach in reaches.items():
        views = status.render_status_views(model, satellite, reach, is_one_file=False)
        statements |= {f"{name}_of_{satellite}": text for name, text in views.items()}
    lines = status.render_status_views(model, "sat_order_line_status", "incomplete", is_one_file=True)
    statements["affected_key_of_one_file"] = lines["affected_key"]
    return {f"spark_{name}": text for name, text in statements.items()}
