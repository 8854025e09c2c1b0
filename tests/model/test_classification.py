"""What is personal is asked in one place, and what nobody has declared is personal."""

import pytest

from functions.model.classification import Classification, looks_like, undeclared
from functions.model.reading import load_model, parse_model
from tests.support.edited_model import edited


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("email", "email"), ("contact_e_mail", "email"), ("work_email_2", "email"),
        ("phone", "phone"), ("mobile", "phone"), ("home_tel", "phone"),
        ("name", "name"), ("full_name", "name"), ("surname", "name"), ("supplier_name", "name"), ("lastname", "name"),
        ("street", "address"), ("zip_code", "address"), ("shipping_address", "address"),
        ("dob", "birth_date"), ("birthday", "birth_date"), ("date_of_birth", "birth_date"),
        ("order_comment", "free_text"), ("notes", "free_text"), ("iban", "free_text"),
        ("session_id", "session"), ("ip", "session"), ("user_agent", "session"),
        ("product_name", None), ("membership", None), ("hotel", None), ("price", None), ("city", None),
        ("customer_segment", None), ("shipped_at", None), ("quantity", None),
    ],
)  # fmt: skip
def test_names_of_columns_tell_what_they_may_hold(column: str, kind: str | None) -> None:
    assert looks_like(column) == kind


def test_what_looks_personal_is_until_it_is_declared() -> None:
    suspected = parse_model(edited("sources.customers.columns.phone", {"type": "text"}))
    assert list(undeclared(suspected)) == [("customers", "phone", "phone")]
    assert Classification(suspected).hides("phone")
    declared = parse_model(edited("sources.customers.columns.phone", {"type": "text", "pii": "none"}))
    assert list(undeclared(declared)) == []
    assert not Classification(declared).hides("phone")


def test_the_strictest_declaration_of_a_name_counts_in_views() -> None:
    model = parse_model(edited("sources.transactions.columns.customer_id", {"type": "text", "pii": "email"}))
    assert Classification(model).hides("customer_id")
    assert not Classification(load_model()).hides("customer_id")
    assert Classification(load_model()).of_field("customer_id") == "identifier"


def test_what_is_declared_nowhere_is_personal() -> None:
    classification = Classification(load_model())
    assert classification.of_column("customers", "loyalty") == "free_text"
    assert classification.hides("a_text_of_a_new_view")
    assert not classification.hides("a_count_of_a_new_view", is_text=False)
    row: dict[str, str | None] = {"customer_id": "C1", "first_name": "Ann", "email": None, "loyalty": "Ann's"}
    assert classification.masked_row("customers", row) == {
        "customer_id": "C1", "first_name": "***", "email": None, "loyalty": "***",
    }  # fmt: skip


def test_the_projects_own_model_declares_all_that_looks_personal() -> None:
    assert list(undeclared(load_model())) == []
