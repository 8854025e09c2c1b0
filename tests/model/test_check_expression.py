"""Row expressions become SQL of columns, numbers and operators, and of nothing else."""

import pytest

from functions.model.check_expression import ExpressionError, render_expression

COLUMNS = {
    "total_amount": "decimal",
    "quantity": "integer",
    "unit_price": "decimal",
    "order_date": "timestamp",
    "signup_date": "date",
    "order_status": "text",
}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        (
            "total_amount = quantity * unit_price",
            '"total_amount" = ("quantity"::numeric * "unit_price")',
        ),
        (
            "round(total_amount, 2)<=abs(-quantity) + 1.5",
            'round("total_amount", 2) <= (abs((- "quantity"::numeric)) + 1.5)',
        ),
        (
            "1 + 2 * (3 - 4) <> 0",
            "(1 + (2 * (3 - 4))) <> 0",
        ),
        (
            "total_amount / quantity = unit_price",
            '("total_amount" / nullif("quantity"::numeric, 0)) = "unit_price"',
        ),
        (
            "signup_date <= order_date",
            '("signup_date"::timestamp at time zone \'UTC\') <= "order_date"',
        ),
    ],
)
def test_an_expression_is_rendered(text: str, rendered: str) -> None:
    assert render_expression(text, COLUMNS).as_string(None) == rendered


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("total_amount", "a comparison is expected"),
        ("total = 1", "there is no column total"),
        ("total_amount = 1; drop table x", "';"),
        ("total_amount = pg_sleep(9)", "there is no column pg_sleep"),
        ("total_amount = '1'", "is not understood"),
        ("total_amount = 1 = 2", "nothing is expected"),
        ("total_amount = order_status", "a number cannot be compared with a text"),
        ("order_status + 1 = 2", "arithmetic takes numbers"),
        ("(total_amount = 1", "')' is expected"),
        ("total_amount = round(1, quantity)", "round takes a number of digits"),
        ("total_amount = round(1, 99)", "round takes a number of digits"),
        ("total_amount = ", "a column or a number is expected"),
        ("", "a column or a number is expected"),
        ("1 = " + "1 + " * 200 + "1", "longer than 500"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, message: str) -> None:
    with pytest.raises(ExpressionError, match=message.replace("(", r"\(").replace(")", r"\)")):
        render_expression(text, COLUMNS)
