"""The filters of figures: days of the reporting time zone, both ends included, and values of which any may hold."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator
from starlette.datastructures import QueryParams

from functions.api.paging.parameters import Query, Values, with_lists

_MANY = frozenset({"segment", "state", "category", "status"})


_ANY = "any of these; the empty value stands for what is not known"


class FilterQuery(Query):
    """What figures are of. Those that do not apply to a metric are ignored by it."""

    since: Annotated[date | None, Field(description="Ordered on this day or later, in the reporting time zone.")] = None
    until: Annotated[date | None, Field(description="Ordered on this day or earlier.")] = None
    segment: Annotated[Values | None, Field(description=f"The customer's segment: {_ANY}.")] = None
    state: Annotated[Values | None, Field(description=f"The customer's state: {_ANY}.")] = None
    category: Annotated[Values | None, Field(description=f"The product's category: {_ANY}.")] = None
    status: Annotated[Values | None, Field(description=f"The order's status: {_ANY}.")] = None

    @field_validator("until")
    @classmethod
    def _not_before(cls, value: date | None, given: ValidationInfo) -> date | None:
        since = given.data.get("since")
        if value is not None and since is not None and value < since:
            raise ValueError("is before since")
        return value

    @property
    def filters(self) -> dict[str, Any]:
        """Parameters of the metrics' functions; a filter that is not given is null."""
        return {
            name: list(value) if isinstance(value := getattr(self, name), tuple) else value
            for name in FilterQuery.model_fields
        }

    @property
    def given(self) -> dict[str, Any]:
        """The filters that are given, in JSON types."""
        return self.model_dump(mode="json", include=set(FilterQuery.model_fields), exclude_none=True)


def parsed_filters[Q: FilterQuery](given: QueryParams, model: type[Q]) -> Q:
    """The query parameters, of which some may come several times.

    Raises pydantic.ValidationError, and RequestValidationError when another one does.
    """
    return model.model_validate(with_lists(given, _MANY))
