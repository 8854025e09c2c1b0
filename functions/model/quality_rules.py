"""The checks that sql/model.yaml declares: how much is too much, and whether that warns or stops the run."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, NonNegativeInt, model_validator

from functions.model.entry import Entry

type Severity = Literal["warn", "error"]
type Bound = Annotated[str, BeforeValidator(str)]


class Limit(Entry):
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


class Rule(Entry):
    """A rule that counts what is wrong. `severity` error stops the run when there is more of it than `limit`."""

    severity: Severity = "warn"
    limit: Limit = NONE


class CountRule(Entry):
    """Rows of a source, against its last `runs` successful runs with rows, once there are `needs` of them.

    Robust bounds: median plus and minus `deviations` times the scaled median absolute deviation, which counts as at
    least a tenth of the median, so that a source that never changes may start to.
    """

    severity: Severity = "warn"
    runs: Annotated[int, Field(ge=3, le=1000)] = 20
    needs: Annotated[int, Field(ge=3, le=1000)] = 5
    deviations: Annotated[Decimal, Field(gt=0)] = Decimal(4)


class FreshnessRule(Entry):
    """How many days old the newest effective instant of a source may be when a run starts."""

    severity: Severity = "warn"
    days: Annotated[Decimal, Field(gt=0)] = Decimal(2)


class SnapshotRule(Entry):
    """How many of the keys that are alive a file below snapshot/ may mark deleted; up to `at_least` it always may."""

    severity: Severity = "error"
    limit: Limit = Limit(value=Decimal(20), is_share=True)
    at_least: NonNegativeInt = 5


class Override(Entry):
    """What differs from the kind's default for one rule, named `<source>.<column>.<kind>` or `<source>.<kind>`."""

    severity: Severity | None = None
    limit: Limit | None = None


class ColumnChecks(Entry):
    """What values of a column are expected. A row with another value is loaded all the same, and counted."""

    accepted: tuple[str, ...] = ()
    minimum: Bound | None = None
    maximum: Bound | None = None
    pattern: str | None = None
    """A regular expression that the whole value matches."""


class Quality(Entry):
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
    overruled: Rule = Rule()
    agreement: Rule = Rule()
    references: Rule = Rule()
    variants: Rule = Rule()
    expressions: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Source -> name of the rule -> comparison that each row should meet (functions/model/check_expression.py)."""
    rules: dict[str, Override] = Field(default_factory=dict)

    def rule(self, name: str) -> Rule:
        """The rule `<source>.<column>.<kind>` or `<source>.<kind>`: its kind's default, with what differs for it."""
        default: Rule = getattr(self, name.rpartition(".")[2])
        if name not in self.rules:
            return default
        return default.model_copy(update=self.rules[name].model_dump(exclude_none=True) | self._limit(name))

    def _limit(self, name: str) -> dict[str, Limit]:
        limit = self.rules[name].limit
        return {} if limit is None else {"limit": limit}
