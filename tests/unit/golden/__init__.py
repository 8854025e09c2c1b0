"""SQL that the real model renders, kept as files: a change of the generator shows as a change of SQL in review.

`python -m tests.unit.golden` writes the files anew.
"""

from pathlib import Path

from psycopg import sql

from functions.load.model import load_model
from functions.load.render_load import (
    render_copy,
    render_hub,
    render_link,
    render_raw_table,
    render_satellite,
    render_stage,
)

FOLDER = Path(__file__).parent


def rendered() -> dict[str, str]:
    """Name of the golden file -> the SQL it must hold. One of each kind, and the kinds within a kind."""
    model = load_model()
    statements: dict[str, sql.Composed] = {
        "raw_table": render_raw_table(model, "products", ["unknown_1"]),
        "copy": render_copy(["product_id", "unknown_1", "price"]),
        "stage_customers": render_stage(model, "customers"),
        "stage_transactions": render_stage(model, "transactions"),
        "hub_customer": render_hub(model, "hub_customer", "transactions"),
        "link_customer_order": render_link(model, "link_customer_order"),
        "link_order_product": render_link(model, "link_order_product"),
        "sat_product_details": render_satellite(model, "sat_product_details"),
        "sat_order_line": render_satellite(model, "sat_order_line"),
        "sat_customer_order_effectivity": render_satellite(model, "sat_customer_order_effectivity"),
    }
    return {f"{name}.sql": statement.as_string() + "\n" for name, statement in statements.items()}
