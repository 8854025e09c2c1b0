"""What the shapes of all answers are made of, as OpenAPI documents them.

PostgreSQL builds the JSON itself: `paging/collection.py` selects exactly the columns that a shape lists. The shapes
describe, they do not serialise. What sql/model.yaml calls personal is masked for callers without `pii:read`.
"""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

_MONEY_SCHEMA = {
    "type": "number",
    "format": "decimal",
    "description": "Exact amount, at least two decimals; written from the decimal, never through a binary float.",
    "examples": [1234.5],
}

Money = Annotated[Decimal, WithJsonSchema(_MONEY_SCHEMA)]
"""An amount as a JSON number with at least two decimals and all that the data have, such as `1234.50`."""


class Answer(BaseModel):
    """Base of all answers: an object with exactly the fields listed."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


def _optional(schema: dict[str, Any]) -> None:
    schema.pop("required", None)


class Item(Answer):
    """An object of a list; all its fields are there unless the caller's `fields` selects some."""

    model_config = ConfigDict(json_schema_extra=_optional)


class Page(Answer):
    """What every list answers beside its items."""

    total: Annotated[int, Field(ge=0, description="Items in the whole list, at the instant of the answer.")]
    next: Annotated[str | None, Field(description="Absolute URL of the next page; null on the last.")]


class MartPage(Page):
    """A page of what can also be asked for as it was."""

    total: Annotated[  # type: ignore[assignment]
        int | None,
        Field(
            ge=0,
            description="Items in the whole list, at the instant of the answer. Null as of an instant (`as_of`,"
            " `known_at`), where nobody counts, unless the list ends on its first page or on one reached by `skip`.",
        ),
    ]


class ParameterError(Answer):
    """One parameter that is not as documented."""

    parameter: str
    location: Annotated[str, Field(description="`query`, `path`, `header` or `body`.")]
    detail: str


class Problem(Answer):
    """Every error, as problem details (RFC 9457, `application/problem+json`)."""

    type: Annotated[str, Field(description="`about:blank`: the status says what kind of problem it is.")]
    title: str
    status: int
    detail: Annotated[str, Field(description="What went wrong here, and what to do.")]
    request_id: Annotated[str, Field(description="Also in `X-Request-ID` and in the log.")]
    errors: Annotated[list[ParameterError] | None, Field(description="With status 422: each parameter at fault.")] = (
        None
    )
