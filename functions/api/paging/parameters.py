"""What callers may ask: parsed once into frozen objects, every wrong or unknown parameter named."""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, LiteralString

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from starlette.datastructures import QueryParams

from functions.api.answers import Item
from functions.api.paging.cursor import is_storable

LARGEST_SKIP = 2**53 - 1
LARGEST_PAGE = 1000
WORDS_LIMIT = 5
SHORTEST_WORD = 3


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("holds a character that no stored text has")
    return text


def _utc(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _words(text: str) -> str:
    words = text.split()
    if max(map(len, words), default=0) < SHORTEST_WORD or len(words) > WORDS_LIMIT:
        raise ValueError(f"give 1 to {WORDS_LIMIT} words, one of them with {SHORTEST_WORD} characters or more")
    return _storable(text)


Skip = Annotated[int, Field(ge=0, le=LARGEST_SKIP, description="Items to pass over; following `next` is faster.")]
Limit = Annotated[int, Field(ge=1, le=LARGEST_PAGE, description="Items in a page, at most.")]
LONGEST_CURSOR = 20_000
Cursor = Annotated[
    str, Field(max_length=LONGEST_CURSOR, description="Where to go on: from a page's `next`; not with `skip`.")
]
MOST_VALUES = 100
Value = Annotated[str, Field(max_length=1000), AfterValidator(_storable)]
Values = Annotated[
    tuple[Value, ...], Field(max_length=MOST_VALUES), AfterValidator(lambda values: tuple(dict.fromkeys(values)))
]
"""Values of which any may hold, each once."""
Search = Annotated[
    str,
    Field(max_length=200, description="Words, or parts of words, that must all occur; in any order and case."),
    AfterValidator(_words),
]
Instant = Annotated[datetime, AfterValidator(_utc)]
_FIELDS = "The fields of an item of the answer, comma-separated; all by default."


def given_once(given: QueryParams, *, lists: frozenset[str] = frozenset()) -> None:
    """Refuse a parameter that is given twice and is no list: a server in front may have checked its other value.

    Raises RequestValidationError.
    """
    times = Counter(name for name, _ in given.multi_items())
    repeated = [name for name, count in times.items() if count > 1 and name not in lists]
    if repeated:
        raise RequestValidationError(
            [{"type": "value_error", "loc": ("query", name), "msg": "is given more than once"} for name in repeated]
        )


async def each_given_once(request: Request) -> None:
    """A dependency of routes without lists among their parameters."""
    given_once(request.query_params)


def with_lists(given: QueryParams, lists: frozenset[str]) -> dict[str, Any]:
    """The parameters by name, of which those in `lists` may come several times. Raises RequestValidationError."""
    given_once(given, lists=lists)
    return {name: given.getlist(name) if name in lists else given[name] for name in given}


class Query(BaseModel):
    """Base of all: nothing but the parameters listed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TimeQuery(Query):
    """The two times of a bitemporal answer; without either, the marts answer."""

    as_of: Annotated[Instant | None, Field(description="As it was at this instant, by the dates of the files.")] = None
    known_at: Annotated[Instant | None, Field(description="As it was known at this instant, by what was loaded.")] = (
        None
    )

    @property
    def instants(self) -> dict[str, object]:
        """Parameters of the `…_as_of` functions; empty for the present."""
        if self.as_of is None and self.known_at is None:
            return {}
        return {"as_of": self.as_of or "infinity", "known_at": self.known_at or "infinity"}


class PageQuery(Query):
    """Which page of a list."""

    skip: Skip = 0
    limit: Limit = 100
    cursor: Cursor | None = None

    @field_validator("cursor")
    @classmethod
    def _not_with_skip(cls, value: str | None, given: ValidationInfo) -> str | None:
        if value is not None and given.data.get("skip"):
            raise ValueError("a cursor goes on where its page ended: leave out skip")
        return value


class FieldsQuery(Query):
    """Which fields of an object."""

    ITEM: ClassVar[type[Item]]

    fields: Annotated[str | None, Field(max_length=1000, description=_FIELDS)] = None

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, value: str | None) -> str | None:
        unknown = [name for name in (value or "").split(",") if name not in cls.ITEM.model_fields]
        if value is not None and unknown:
            raise ValueError(f"there are {', '.join(cls.ITEM.model_fields)}")
        return value

    @property
    def selected(self) -> tuple[str, ...]:
        """The fields asked for, each once; empty for all."""
        return tuple(dict.fromkeys(self.fields.split(","))) if self.fields else ()


class ItemQuery(FieldsQuery, TimeQuery):
    """What may be asked of an object: some of its fields, at some time."""


class ListQuery(FieldsQuery, PageQuery):
    """What may be asked of a list. `FILTERS`: parameter -> its condition; `SEVERAL`: the condition of those that
    may be given several times, if they are (by one value, an index gives the order too); `PERSONAL`: those that reveal
    persons."""

    FILTERS: ClassVar[dict[str, LiteralString]]
    SEVERAL: ClassVar[dict[str, LiteralString]] = {}
    PERSONAL: ClassVar[frozenset[str]] = frozenset()
    SEARCHED: ClassVar[LiteralString] = "null"

    sort: str

    @property
    def instants(self) -> dict[str, object]:
        """Parameters of the list as it was; none for a list that has the present only."""
        return {}

    @property
    def filtered(self) -> dict[str, Any]:
        """The filters given, `q` included, with their values."""
        given = {name: getattr(self, name, None) for name in (*self.FILTERS, "q")}
        return {
            name: value[0] if isinstance(value, tuple) and len(value) == 1 else value
            for name, value in given.items()
            if value is not None
        }

    @property
    def conditions(self) -> tuple[LiteralString, ...]:
        """The filters as conditions."""
        filters = tuple(
            self.SEVERAL[name] if isinstance(value, tuple) else self.FILTERS[name]
            for name, value in self.filtered.items()
            if name != "q"
        )
        return filters + tuple(f"{self.SEARCHED} like lower(%({name})s)" for name in self._patterns)

    @property
    def values(self) -> dict[str, Any]:
        """The values of the conditions' parameters."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in self.filtered.items()}
        return {name: value for name, value in plain.items() if name != "q"} | self._patterns

    @property
    def _patterns(self) -> dict[str, str]:
        words: str = getattr(self, "q", None) or ""
        return {f"word_{n}": contains(word) for n, word in enumerate(words.split())}


class MartQuery(ListQuery, ItemQuery):
    """What may be asked of a mart's list: also as it was."""

    instants = TimeQuery.instants


def contains(word: str) -> str:
    """The LIKE pattern of texts in which the word occurs."""
    return "%" + word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
