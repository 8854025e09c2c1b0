"""The model file: what it may say, and that all that is wrong is refused by line and field, before any SQL."""

import pytest

from functions.model.errors import ModelFileError
from functions.model.reading import load_model, parse_model
from tests.support.edited_model import REAL, TEXT, edited, wrong_with


def test_the_real_model_says_what_the_design_lists() -> None:
    model = load_model()
    assert {name: source.required for name, source in model.sources.items()} == {
        "customers": ("customer_id",),
        "products": ("product_id",),
        "transactions": ("transaction_id", "order_date", "product_id", "quantity", "unit_price", "total_amount"),
    }
    assert [hub.hash_key for hub in model.hubs.values()] == ["customer_hash_key", "product_hash_key", "order_hash_key"]
    pii = {name for source in model.sources.values() for name, column in source.columns.items() if column.pii}
    assert pii == {"customer_id", "first_name", "last_name", "email", "phone"}


@pytest.mark.parametrize(
    ("path", "value", "field", "message"),
    [
        ("sources.transactions.measures", ["tax"], "sources.transactions.measures[0]", "source transactions has no"),
        ("sources.transactions.measures", ["order_status"], "sources.transactions.measures[0]", "is not a number"),
        ("sources.transactions.measures", ["line_number"], "sources.transactions.measures[0]", "no satellite keeps"),
        ("sources.customers.columns.shoe_size", {"type": "text"}, "sources.customers.columns.shoe_size", "keeps this"),
        ("sources.customers.columns.row_number", {"type": "text"}, "sources.customers.columns.row_number", "its own"),
        ("sources.customers.columns.ctid", {"type": "text"}, "sources.customers.columns.ctid", "its own"),
        (
            "sources.customers.columns.customer_hash_key", {"type": "text"},
            "sources.customers.columns.customer_hash_key", "its own",
        ),
        ("sources.raw_1_0", REAL["sources"]["customers"], "sources.raw_1_0", "of its own"),
        ("sources.shops", {"columns": {}}, "sources.shops", "no satellite takes its rows"),
        ("hubs.hub_customer.sources", ["customers", "shops"], "hubs.hub_customer.sources[1]", "no source shops"),
        ("hubs.hub_order.sources", [], "hubs.hub_order.sources", "a hub needs a source"),
        ("hubs.hub_order.sources", ["transactions", "transactions"], "hubs.hub_order.sources[1]", "listed twice"),
        ("hubs.hub_product.business_key", "sku", "hubs.hub_product.business_key", "source products has no column sku"),
        ("hubs.hub_order.business_key", "quantity", "hubs.hub_order.business_key", "is not text"),
        ("hubs.hub_order.hash_key", "customer_hash_key", "hubs.hub_order.hash_key", "the hash key of hub_customer"),
        ("hubs.hub_order.hash_key", "link_hash_key", "hubs.hub_order.hash_key", "the warehouse's own"),
        ("hubs.sat_order_line", REAL["hubs"]["hub_order"], "satellites.sat_order_line", "of this name already"),
        ("hubs." + "h" * 55, REAL["hubs"]["hub_order"], "hubs." + "h" * 55, "at most 54"),
        ("hubs.record_tracking_satellite", REAL["hubs"]["hub_order"], "hubs.record_tracking_satellite", "of its own"),
        ("links.link_customer_order.hubs", ["hub_customer"], "links.link_customer_order.hubs", "two hubs or more"),
        ("links.link_customer_order.hubs", ["hub_order"] * 2, "links.link_customer_order.hubs[1]", "listed twice"),
        (
            "links.link_customer_order.hubs", ["hub_order", "hub_shop"],
            "links.link_customer_order.hubs[1]", "there is no hub hub_shop",
        ),
        ("links.link_order_product.indexed", ["hub_shop"], "links.link_order_product.indexed[0]", "no hub hub_shop"),
        (
            "links.link_customer_order.source", "customers",
            "links.link_customer_order.hubs[1]", "hub_order takes no rows from source customers",
        ),
        ("links.link_customer_order.source", "shops", "links.link_customer_order.source", "there is no source shops"),
        (
            "links.link_order_product.dependent_child_key", "place",
            "links.link_order_product.dependent_child_key", "source transactions has no column place",
        ),
        ("satellites.sat_order_line.parent", "link_shop", "satellites.sat_order_line.parent", "no hub or link"),
        ("satellites.sat_order_line.source", "returns", "satellites.sat_order_line.source", "no source returns"),
        ("satellites.sat_order_details.columns", ["colour"], "satellites.sat_order_details.columns[0]", "no column"),
        (
            "satellites.sat_order_details.columns", ["order_date", "order_date"],
            "satellites.sat_order_details.columns[1]", "listed twice",
        ),
        ("satellites.sat_order_details.columns", [], "satellites.sat_order_details", "needs columns"),
        (
            "satellites.sat_customer_order_effectivity.driving_key", "hub_product",
            "satellites.sat_customer_order_effectivity.driving_key", "is a hub of the parent link",
        ),
        (
            "satellites.sat_customer_order_effectivity.columns", ["order_date"],
            "satellites.sat_customer_order_effectivity.driving_key", "takes no columns",
        ),
        (
            "satellites.sat_customer_details.driving_key", "hub_customer",
            "satellites.sat_customer_details.driving_key", "is a hub of the parent link",
        ),
        (
            "sources.products.columns.product_id",
            {"type": "text"},
            "satellites.sat_product_details.parent",
            "column product_id of source products must be required for this",
        ),
        (
            "sources.transactions.columns.transaction_id",
            {"type": "text"},
            "satellites.sat_customer_order_effectivity.driving_key",
            "column transaction_id of source transactions must be required",
        ),
        ("satellites.sat_product_details.parent", "hub_customer", "satellites.sat_product_details.source", "no rows"),
        (
            "satellites.sat_customer_status.status_of", "sat_other",
            "satellites.sat_customer_status.status_of", "no satellite sat_other",
        ),
        (
            "satellites.sat_customer_status.status_of", "sat_product_details",
            "satellites.sat_customer_status", "parent and source must be those of sat_product_details",
        ),
        ("satellites.sat_customer_status.columns", ["city"], "satellites.sat_customer_status", "neither columns nor"),
        ("sources.customers.columns.city.type", "varchar", "sources.customers.columns.city.type", "'timestamp'"),
        ("sources.customers.columns.city.pi", "name", "sources.customers.columns.city.pi", "did you mean pii?"),
        ("sources.customers.columns.First Name", {"type": "text"}, "sources.customers.columns.First Name", "pattern"),
        ("hubs.hub_customer.hash_key", 'x" text); drop table y; --', "hubs.hub_customer.hash_key", "pattern"),
        ("hubs.hub_customer.bussiness_key", "x", "hubs.hub_customer.bussiness_key", "did you mean business_key?"),
        ("satelites", {}, "satelites", "unknown key; did you mean satellites?"),
        ("late_window_days", 0, "late_window_days", "greater than or equal to 1"),
        ("sources.customers.effective_at", "yesterday", "sources.customers.effective_at", "dt_or_upload"),
    ],
)  # fmt: skip
def test_a_wrong_entry_is_refused_by_its_field(path: str, value: object, field: str, message: str) -> None:
    problems = wrong_with(edited(path, value))
    assert any(where == field and message in text for where, text in problems), problems


def _place(text: str, part: str) -> tuple[int, int]:
    line = next(number for number, each in enumerate(text.splitlines(), 1) if part in each)
    return line, text.splitlines()[line - 1].index(part) + 1


def test_everything_that_is_wrong_is_told_at_once_by_line_and_column() -> None:
    text = TEXT
    wrong = {
        "measures: [quantity": "measurs: [quantity",
        "last_name: {type: text": "last_name: {typ: text",
        "hash_key: customer_hash_key": "hash_kee: customer_hash_key",
        "parent: link_order_product\n    source": "parent: link_order_produkt\n    source",
        "price, cost, supplier]": "price, kost, supplier]",
    }
    for right, mistaken in wrong.items():
        assert right in text
        text = text.replace(right, mistaken)
    with pytest.raises(ModelFileError) as raised:
        parse_model(text)
    problems = {(problem.field, problem.message): (problem.line, problem.column) for problem in raised.value.problems}
    assert problems == {
        ("sources.customers.columns.last_name.typ", "unknown key; did you mean type?"): _place(text, "typ: text"),
        ("sources.products.columns.cost", _KEPT_NOWHERE): _place(text, "cost: {type"),
        ("sources.transactions.measurs", "unknown key; did you mean measures?"): _place(text, "measurs"),
        ("hubs.hub_customer.hash_kee", "unknown key; did you mean hash_key?"): _place(text, "hash_kee"),
        (
            "satellites.sat_product_details.columns[3]", "source products has no column kost; did you mean cost?",
        ): _place(text, "kost"),
        (
            "satellites.sat_order_line.parent",
            "there is no hub or link link_order_produkt; did you mean link_order_product?",
        ): _place(text, "parent: link_order_produkt"),
        (
            "satellites.sat_order_line_status", "parent and source must be those of sat_order_line",
        ): _place(text, "sat_order_line_status"),
    }  # fmt: skip


_KEPT_NOWHERE = "no hub, link or satellite keeps this column: add it to one, or leave it out, which keeps it as JSON"


def test_a_key_that_stands_twice_is_refused_not_overruled() -> None:
    text = TEXT.replace("      state: {type: text}\n", "      city: {type: date}\n", 1)
    first = _place(text, "city: {type: date}")[0]
    assert wrong_with(text) == [("sources.customers.columns.city", f"this key is there already, in line {first}")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sources: {}\n  hubs: [\n", 2),
        ("a: &a {b: *a}", 1),
        ("? [a]\n: b", 1),
        ("sources: \0", 1),
        ("", 1),
        ("[]", 1),
        ("\n\nsources: {}", 3),
    ],
)
def test_a_file_that_is_no_model_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ModelFileError) as raised:
        parse_model(text)
    assert raised.value.problems[0].line == line
