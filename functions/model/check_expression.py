"""Row expressions of sql/model.yaml, such as `total_amount = quantity * unit_price`, as SQL without free text.

A comparison (=, <>, <, <=, >, >=) of two sides, which are made of the source's columns, numbers, + - * / ( ),
round(x, digits) and abs(x). Arithmetic takes numbers only; dates and instants may be compared with each other.
An empty value makes the comparison neither true nor false, as does a division by zero.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from psycopg import sql

type Kind = Literal["number", "instant", "text"]

KINDS: dict[str, Kind] = {
    "integer": "number",
    "decimal": "number",
    "date": "instant",
    "timestamp": "instant",
    "text": "text",
}
"""Column type of the model -> what it may be compared with."""

MAXIMUM_LENGTH = 500
_TOKEN = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[a-z][a-z0-9_]*)|(?P<mark><>|<=|>=|[=<>+\-*/(),]))")
_COMPARISONS = {"=", "<>", "<", "<=", ">", ">="}


class ExpressionError(ValueError):
    """The text is no expression over the columns at hand; the message says where."""


@dataclass(frozen=True)
class _Term:
    kind: Kind
    text: sql.Composable


def render_expression(text: str, columns: Mapping[str, str]) -> sql.Composable:
    """The condition that a good row meets. `columns`: name -> type of the model. Raises ExpressionError."""
    return _Parser(text, columns).comparison()


class _Parser:
    """Recursive descent over the tokens; each method reads what its name says and returns its SQL."""

    def __init__(self, text: str, columns: Mapping[str, str]) -> None:
        if len(text) > MAXIMUM_LENGTH:
            raise ExpressionError(f"longer than {MAXIMUM_LENGTH} characters")
        self._columns = columns
        self._tokens = [*_tokens(text), ("end", "")]
        self._position = 0

    def comparison(self) -> sql.Composable:
        left = self._sum()
        operator = self._next()
        if operator not in _COMPARISONS:
            raise ExpressionError(f"a comparison is expected, not {operator!r}")
        right = self._sum()
        if self._peek()[0] != "end":
            raise ExpressionError(f"nothing is expected after the comparison, not {self._peek()[1]!r}")
        if left.kind != right.kind:
            raise ExpressionError(f"a {left.kind} cannot be compared with a {right.kind}")
        return sql.SQL("{} {} {}").format(left.text, sql.SQL(operator), right.text)

    def _sum(self) -> _Term:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> _Term:
        return self._chain(("*", "/"), self._factor)

    def _chain(self, operators: tuple[str, ...], operand: Callable[[], _Term]) -> _Term:
        result = operand()
        while self._peek()[1] in operators:
            operator = self._next()
            left, right = _number(result), _number(operand())
            if operator == "/":
                right = sql.SQL("nullif({}, 0)").format(right)
            result = _Term("number", sql.SQL("({} {} {})").format(left, sql.SQL(operator), right))
        return result

    def _factor(self) -> _Term:
        what, text = self._tokens[self._position]
        self._position += 1
        match what, text:
            case "number", _:
                return _Term("number", sql.Literal(Decimal(text)))
            case "mark", "-":
                return _Term("number", sql.SQL("(- {})").format(_number(self._factor())))
            case "mark", "(":
                inner = self._sum()
                self._need(")")
                return inner
            case "name", ("round" | "abs") if self._peek()[1] == "(":
                return self._function(text)
            case "name", _ if text in self._columns:
                return _column(text, self._columns[text])
            case "name", _:
                raise ExpressionError(f"there is no column {text}")
            case _:
                raise ExpressionError(f"a column or a number is expected, not {text or 'the end'!r}")

    def _function(self, name: str) -> _Term:
        self._need("(")
        argument = _number(self._sum())
        if name == "abs":
            self._need(")")
            return _Term("number", sql.SQL("abs({})").format(argument))
        self._need(",")
        what, digits = self._tokens[self._position]
        if what != "number" or not digits.isdigit() or int(digits) > 20:
            raise ExpressionError("round takes a number of digits from 0 to 20")
        self._position += 1
        self._need(")")
        return _Term("number", sql.SQL("round({}, {})").format(argument, sql.Literal(int(digits))))

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._position]

    def _next(self) -> str:
        self._position += 1
        return self._tokens[self._position - 1][1]

    def _need(self, mark: str) -> None:
        token = self._next()
        if token != mark:
            raise ExpressionError(f"{mark!r} is expected, not {token or 'the end'!r}")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ExpressionError(f"{text[position:].strip()[:20]!r} is not understood")
        position = match.end()
        yield str(match.lastgroup), match[str(match.lastgroup)]


def _number(term: _Term) -> sql.Composable:
    if term.kind != "number":
        raise ExpressionError(f"arithmetic takes numbers, not a {term.kind}")
    return term.text


def _column(name: str, type_name: str) -> _Term:
    cast = {"integer": "{}::numeric", "date": "({}::timestamp at time zone 'UTC')"}.get(type_name, "{}")
    return _Term(KINDS[type_name], sql.SQL(cast).format(sql.Identifier(name)))
