"""Which checks a column has, and whether the checks that a model declares fit its sources."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from functions.model.check_expression import ExpressionError, render_expression
from functions.model.declaration import Column, Model
from functions.model.entry import Finding

_BOUND_TYPES = ("integer", "decimal", "date", "timestamp")
_KINDS = ("nulls", "accepted", "range", "pattern")


def has_check(column: Column, kind: str) -> bool:
    """Whether a column is checked for `nulls`, `accepted` values, a `range` or a `pattern`."""
    return {
        "nulls": not column.required and column.default is None and column.absent != "empty",
        "accepted": bool(column.accepted),
        "range": column.minimum is not None or column.maximum is not None,
        "pattern": column.pattern is not None,
    }[kind]


def bound(value: str, type_name: str) -> Decimal | date | datetime:
    """A minimum or maximum in the column's type. Raises ValueError."""
    try:
        if type_name in ("integer", "decimal"):
            number = Decimal(value)
            if not number.is_finite():
                raise ValueError(f"{value} is no number")
            return number
        if type_name == "date":
            return date.fromisoformat(value)
        instant = datetime.fromisoformat(value)
    except InvalidOperation:
        raise ValueError(f"{value} is no number") from None
    if instant.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return instant


def wrong_checks(model: Model) -> Iterator[Finding]:
    """Where in the model, and why, a check does not fit the sources it is declared for."""
    for source, declared in model.sources.items():
        for name, column in declared.columns.items():
            for attribute, problem in _wrong_column(column):
                yield ("sources", source, "columns", name, attribute), problem
    for source, expressions in model.quality.expressions.items():
        if source not in model.sources:
            yield ("quality", "expressions", source), f"there is no source {source}"
            continue
        types = {name: str(column.type) for name, column in model.sources[source].columns.items()}
        for name, text in expressions.items():
            try:
                render_expression(text, types)
            except ExpressionError as error:
                yield ("quality", "expressions", source, name), str(error)
    known = sorted(_rule_names(model))
    for name in model.quality.rules:
        if name not in known:
            yield ("quality", "rules", name), f"there is no rule {name}; known are {', '.join(known)}"


def _rule_names(model: Model) -> Iterator[str]:
    for source, declared in model.sources.items():
        yield from (f"{source}.unique", f"{source}.overruled")
        for hub, each in model.hubs.items():
            if source in each.sources and len(each.sources) > 1:
                yield f"{source}.{each.business_key}.variants"
            if source in each.sources and model.satellites_across_rows(source, hub):
                yield f"{source}.{each.business_key}.agreement"
        for name, column in declared.columns.items():
            yield from (f"{source}.{name}.{kind}" for kind in _KINDS if has_check(column, kind))
        yield from (f"{source}.{name}.expression" for name in model.quality.expressions.get(source, ()))
        yield from (f"{source}.{name}.references" for name in model.references(source))


def _wrong_column(column: Column) -> Iterator[tuple[str, str]]:
    """Attribute of a column -> what is wrong with it."""
    for attribute, given in (("accepted", column.accepted), ("pattern", column.pattern)):
        if given and column.type != "text":
            yield attribute, f"accepted values and patterns are for text, this column is {column.type}"
    if column.pattern is not None:
        try:
            re.compile(column.pattern)
        except re.error as error:
            yield "pattern", str(error)
    for attribute, value in (("minimum", column.minimum), ("maximum", column.maximum)):
        if value is None:
            continue
        if column.type not in _BOUND_TYPES:
            yield attribute, f"minimum and maximum are for numbers and dates, this column is {column.type}"
            continue
        try:
            bound(value, column.type)
        except ValueError as error:
            yield attribute, str(error)
