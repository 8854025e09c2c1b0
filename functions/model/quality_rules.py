"""The checks that sql/model.yaml declares: how much is too much, and whether that warns or stops the run."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeInt, model_validator

from functions.model.check_expression import ExpressionError, render_expression

if TYPE_CHECKING:
    from functions.model.declaration import Column, Source

type Path = tuple[str | int, ...]
type Severity = Literal["warn", "error"]
type Bound = Annotated[str, BeforeValidator(str)]

_BOUND_TYPES = ("integer", "decimal", "date", "timestamp")
_COLUMN_KINDS = ("nulls", "accepted", "range", "pattern")


class _Declared(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limit(_Declared):
    """How much a rule lets pass: a number of rows, files or keys, or, written `20%`, a share of them."""

    value: Decimal = Field(ge=0)
    is_share: bool = False

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, given: Any) -> Any:
        if isinstance(given, (dict, Limit)):
            return given
        text = str(given)
        try:
            value = Decimal(text.removesuffix("%"))
        except InvalidOperation:
            raise ValueError("a limit is a number, or a share such as 20%") from None
        if not value.is_finite():
            raise ValueError("a limit is a number, or a share such as 20%")
        return {"value": value, "is_share": text.endswith("%")}

    def allows(self, count: int, of: int) -> bool:
        """Whether `count` of `of` is at most the limit."""
        return count * 100 <= self.value * of if self.is_share else count <= self.value

    def __str__(self) -> str:
        return f"{self.value:f}{'%' if self.is_share else ''}"


NONE = Limit(value=Decimal(0))
HALF = Limit(value=Decimal(50), is_share=True)


class Rule(_Declared):
    """A rule that counts what is wrong. `severity` error stops the run when there is more of it than `limit`."""

    severity: Severity = "warn"
    limit: Limit = NONE


class CountRule(_Declared):
    """Rows of a source, against its last `runs` successful runs with rows, once there are `needs` of them.

    Robust bounds: median plus and minus `deviations` times the scaled median absolute deviation, which counts as at
    least a tenth of the median, so that a source that never changes may start to.
    """

    severity: Severity = "warn"
    runs: Annotated[int, Field(ge=3, le=1000)] = 20
    needs: Annotated[int, Field(ge=3, le=1000)] = 5
    deviations: Annotated[Decimal, Field(gt=0)] = Decimal(4)


class FreshnessRule(_Declared):
    """How many days old the newest effective instant of a source may be when a run starts."""

    severity: Severity = "warn"
    days: Annotated[Decimal, Field(gt=0)] = Decimal(2)


class SnapshotRule(_Declared):
    """How many of the keys that are alive a file below snapshot/ may mark deleted; up to `at_least` it always may."""

    severity: Severity = "error"
    limit: Limit = Limit(value=Decimal(20), is_share=True)
    at_least: NonNegativeInt = 5


class Override(_Declared):
    """What differs from the kind's default for one rule, named `<source>.<column>.<kind>` or `<source>.<kind>`."""

    severity: Severity | None = None
    limit: Limit | None = None


class ColumnChecks(_Declared):
    """What values of a column are expected. A row with another value is loaded all the same, and counted."""

    accepted: tuple[str, ...] = ()
    minimum: Bound | None = None
    maximum: Bound | None = None
    pattern: str | None = None
    """A regular expression that the whole value matches."""


class Quality(_Declared):
    """The section `quality` of the model: the default of each kind of rule, expressions, and exceptions."""

    count: CountRule = CountRule()
    freshness: FreshnessRule = FreshnessRule()
    snapshot: SnapshotRule = SnapshotRule()
    rejected_rows: Rule = Rule()
    rejected_files: Rule = Rule()
    nulls: Rule = Rule(limit=HALF)
    accepted: Rule = Rule()
    range: Rule = Rule()
    pattern: Rule = Rule()
    expression: Rule = Rule()
    unique: Rule = Rule()
    references: Rule = Rule()
    expressions: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Source -> name of the rule -> comparison that each row should meet (functions/model/check_expression.py)."""
    rules: dict[str, Override] = Field(default_factory=dict)

    def rule(self, name: str) -> Rule:
        """The rule `<source>.<column>.<kind>` or `<source>.unique`: its kind's default, with what differs for it."""
        default: Rule = getattr(self, name.rpartition(".")[2])
        if name not in self.rules:
            return default
        return default.model_copy(update=self.rules[name].model_dump(exclude_none=True) | self._limit(name))

    def _limit(self, name: str) -> dict[str, Limit]:
        limit = self.rules[name].limit
        return {} if limit is None else {"limit": limit}

    def wrong(
        self, sources: Mapping[str, "Source"], references: Mapping[str, tuple[str, ...]]
    ) -> Iterator[tuple[Path, str]]:
        """Where in the model, and why, a check does not fit the sources it is declared for.

        `references`: source -> its columns that name keys which another source describes.
        """
        for source, declared in sources.items():
            for name, column in declared.columns.items():
                for attribute, problem in _wrong_column(column):
                    yield ("sources", source, "columns", name, attribute), problem
        for source, expressions in self.expressions.items():
            if source not in sources:
                yield ("quality", "expressions", source), f"there is no source {source}"
                continue
            types = {name: str(column.type) for name, column in sources[source].columns.items()}
            for name, text in expressions.items():
                try:
                    render_expression(text, types)
                except ExpressionError as error:
                    yield ("quality", "expressions", source, name), str(error)
        known = sorted(self._names(sources, references))
        for name in self.rules:
            if name not in known:
                yield ("quality", "rules", name), f"there is no rule {name}; known are {', '.join(known)}"

    def _names(self, sources: Mapping[str, "Source"], references: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
        for source, declared in sources.items():
            yield f"{source}.unique"
            for name, column in declared.columns.items():
                yield from (f"{source}.{name}.{kind}" for kind in _COLUMN_KINDS if has_check(column, kind))
            yield from (f"{source}.{name}.expression" for name in self.expressions.get(source, ()))
            yield from (f"{source}.{name}.references" for name in references.get(source, ()))


def has_check(column: "Column", kind: str) -> bool:
    """Whether a column is checked for `nulls`, `accepted` values, a `range` or a `pattern`."""
    return {
        "nulls": not column.required and column.default is None,
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


def _wrong_column(column: "Column") -> Iterator[tuple[str, str]]:
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
