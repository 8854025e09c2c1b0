"""SQL expressions that turn a cell of a source's dialect into what plain CSV would say."""

import re

from psycopg import sql

from functions.model.declaration import Column
from functions.model.dialect import DATE_PARTS, ISO_DATE, Dialect

# What is no value of the dialect begins with this, which no plain number or date does: it breaks the rule of its type.
_FOREIGN = "?"
_GROUPS = (".", " ", "\u00a0", "\u202f")
_NUMBER_WITH_COMMA = (
    "^[+-]?([0-9]*|" + "|".join(rf"[0-9]{{1,3}}({re.escape(group)}[0-9]{{3}})+" for group in _GROUPS) + ")(,[0-9]*)?$"
)


def plain_cell(dialect: Dialect, column: Column, cell: sql.Composable) -> sql.Composable:
    """The text that plain CSV would have for a cell (an SQL expression of type text) of this column."""
    for empty in dialect.null_values:
        cell = sql.SQL("nullif({}, {})").format(cell, empty)
    if column.type in ("integer", "decimal") and dialect.decimal == ",":
        return sql.SQL(
            "case when {cell} ~ {pattern} then translate({cell}, {separators}, '.') else {foreign} || {cell} end"
        ).format(cell=cell, pattern=_NUMBER_WITH_COMMA, separators="," + "".join(_GROUPS), foreign=_FOREIGN)
    if column.type in ("date", "timestamp") and dialect.date_format != ISO_DATE:
        return _iso_date(dialect.date_format, cell)
    return cell


def _iso_date(date_format: str, cell: sql.Composable) -> sql.Composable:
    """A day of the format, and what follows it, as ISO 8601; days and months of one digit get a zero."""
    has_separators = len(date_format) > len("YYYYMMDD")

    def pattern(captured: str) -> str:
        text = re.escape(date_format)
        for part, digits in DATE_PARTS.items():
            exactly = digits if has_separators else f"[0-9]{{{len(part)}}}"
            text = text.replace(part, f"({exactly})" if part == captured else exactly)
        return f"^{text}" + ("([ T].*)?$" if captured == "rest" else "(?:[ T].*)?$")

    return sql.SQL(
        "case when {cell} ~ {whole} then substring({cell}, {year}) || '-' || lpad(substring({cell}, {month}), 2, '0')"
        " || '-' || lpad(substring({cell}, {day}), 2, '0') || coalesce(substring({cell}, {rest}), '')"
        " else {foreign} || {cell} end"
    ).format(
        cell=cell,
        whole=pattern(""),
        year=pattern("YYYY"),
        month=pattern("MM"),
        day=pattern("DD"),
        rest=pattern("rest"),
        foreign=_FOREIGN,
    )
