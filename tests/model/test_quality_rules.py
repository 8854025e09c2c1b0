"""Quality rules are declared in the model, with defaults, and a mistake names its place."""

from decimal import Decimal
from typing import Any

import pytest
import yaml

from functions.common.errors import ModelError
from functions.common.sql_files import SQL_FOLDER
from functions.model.quality_rules import CountRule, Limit
from functions.model.reading import load_model, parse_model
from functions.quality.volume_and_freshness import bounds


def declared(**quality: Any) -> str:
    """The project's model with another quality section."""
    model = yaml.safe_load((SQL_FOLDER / "model.yaml").read_text())
    model["quality"] = quality
    return yaml.safe_dump(model)


def test_what_warns_and_what_stops_is_as_designed() -> None:
    quality = load_model().quality
    severities = {name: getattr(quality, name).severity for name in type(quality).model_fields if name[-1] != "s"}
    assert {name for name, severity in severities.items() if severity == "error"} == {"snapshot"}
    assert quality == parse_model(declared(expressions=quality.expressions)).quality, "the file writes the defaults out"


@pytest.mark.parametrize(
    ("text", "count", "of", "allowed"),
    [
        ("0", 0, 10, True),
        ("0", 1, 10, False),
        (3, 3, 3, True),
        ("20%", 2, 10, True),
        ("20%", 3, 10, False),
        ("0.5%", 1, 200, True),
        ("0.5%", 1, 199, False),
        ("20%", 0, 0, True),
    ],
)
def test_a_limit_is_a_number_or_a_share(text: object, count: int, of: int, allowed: bool) -> None:
    limit = Limit.model_validate(text)
    assert limit.allows(count, of) is allowed
    assert str(limit) == str(text)


def test_a_rule_can_differ_from_its_kind() -> None:
    model = parse_model(declared(rules={"customers.email.nulls": {"severity": "error", "limit": "5%"}}))
    assert model.quality.rule("customers.email.nulls").severity == "error"
    assert str(model.quality.rule("customers.email.nulls").limit) == "5%"
    assert model.quality.rule("customers.phone.nulls").severity == "warn"
    only_limit = parse_model(declared(nulls={"severity": "error"}, rules={"customers.email.nulls": {"limit": 1}}))
    assert only_limit.quality.rule("customers.email.nulls").severity == "error"


@pytest.mark.parametrize(
    ("quality", "message"),
    [
        ({"rules": {"customers.mail.nulls": {"limit": 1}}}, "there is no rule customers.mail.nulls"),
        ({"rules": {"customers.customer_id.nulls": {"limit": 1}}}, "there is no rule"),
        ({"nulls": {"limit": "many"}}, "a limit is a number, or a share"),
        ({"nulls": {"limit": "-1%"}}, "greater than or equal to 0"),
        ({"nulls": {"severity": "fatal"}}, "'warn' or 'error'"),
        ({"expressions": {"orders": {"a": "1 = 1"}}}, "there is no source orders"),
        ({"expressions": {"customers": {"a": "price = 1"}}}, "customers.a: there is no column price"),
        ({"unknown": {}}, "quality.unknown: unknown key"),
    ],
)
def test_a_wrong_rule_names_its_place(quality: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parse_model(declared(**quality))


@pytest.mark.parametrize(
    ("column", "attributes", "message"),
    [
        ("price", {"accepted": ["1"]}, "products.columns.price.accepted: accepted values and patterns are for text"),
        ("product_name", {"minimum": 1}, "product_name.minimum: minimum and maximum are for numbers and dates"),
        ("price", {"minimum": "cheap"}, "price.minimum: cheap is no number"),
        ("category", {"pattern": "("}, "category.pattern: "),
    ],
)
def test_a_wrong_expectation_names_its_column(column: str, attributes: dict[str, Any], message: str) -> None:
    model = yaml.safe_load((SQL_FOLDER / "model.yaml").read_text())
    model["sources"]["products"]["columns"][column] |= attributes
    with pytest.raises(ModelError, match=message):
        parse_model(yaml.safe_dump(model))


@pytest.mark.parametrize(
    ("counts", "usual"),
    [
        ([100] * 4, None),
        ([100] * 5, (60, 140)),
        ([100, 102, 98, 101, 99, 100_000], (60, 140)),
        ([10, 20, 30, 40, 50], (0, 89)),
        ([0, 0, 0, 0, 0], (0, 0)),
    ],
    ids=["too few", "constant", "one outlier", "wide", "nothing ever"],
)
def test_bounds_are_robust(counts: list[int], usual: tuple[int, int] | None) -> None:
    assert bounds(CountRule(), [Decimal(count) for count in counts]) == usual
