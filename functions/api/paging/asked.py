"""What the query string of a list asks, parsed once: from page to page only the cursor in it changes."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, LiteralString
from urllib.parse import unquote_plus, urlencode

from starlette.datastructures import QueryParams

from functions.api.paging.collection import Collection, Selection
from functions.api.paging.parameters import LONGEST_CURSOR, ListQuery, with_lists

PAGE_PARAMETERS = frozenset({"skip", "limit", "cursor"})

_CURSOR = b"cursor="
_LONGEST_KEPT = 500
"""Bytes of a query string that is kept; others are parsed each time."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The parameters of a list but its cursor, and what follows from them."""

    query: ListQuery
    query_string_of_next: str
    """That of the next page, without its cursor."""
    _selections: dict[tuple[Collection, tuple[LiteralString, ...], bool], Selection] = field(default_factory=dict)

    @cached_property
    def personal(self) -> frozenset[str]:
        """The parameters given that reveal persons."""
        return self.query.PERSONAL & self.query.filtered.keys()

    @cached_property
    def values(self) -> dict[str, Any]:
        """The values of the selection's parameters but those of the page's place."""
        return self.query.values | self.query.instants

    def selection(self, collection: Collection, conditions: tuple[LiteralString, ...], *, masked: bool) -> Selection:
        """The page that is asked for of a collection, narrowed by a route's own conditions, too."""
        known = self._selections.get((collection, conditions, masked))
        if known is None:
            query = self.query
            known = self._selections[collection, conditions, masked] = Selection(
                collection,
                query.selected,
                masked,
                query.sort,
                conditions + query.conditions,
                after_cursor=query.cursor is not None,
                as_of=bool(query.instants),
                limit=query.limit,
                skips=query.skip > 0,
            )
        return known


def asked_of(query_string: bytes, parameters: type[ListQuery]) -> tuple[Asked, str | None]:
    """What is asked, and the cursor of the page that is. Raises pydantic.ValidationError or RequestValidationError."""
    rest, cursor = _parted(query_string)
    parse = _parsed if len(rest) > _LONGEST_KEPT else _kept
    asked = parse(rest, parameters, has_cursor=cursor is not None)
    return asked, asked.query.cursor if cursor is None else cursor


def _parted(query_string: bytes) -> tuple[bytes, str | None]:
    """The query string without its cursor, and that; as it is where they do not part so simply."""
    if _CURSOR not in query_string:
        return query_string, None
    parts = query_string.split(b"&")
    cursors = [part for part in parts if part.startswith(_CURSOR)]
    if len(cursors) != 1 or len(cursors[0]) > LONGEST_CURSOR:
        return query_string, None
    cursor = unquote_plus(cursors[0].removeprefix(_CURSOR).decode("latin-1"))
    return b"&".join(part for part in parts if part is not cursors[0]), cursor


def _parsed(query_string: bytes, parameters: type[ListQuery], *, has_cursor: bool) -> Asked:
    """The parameters as the caller gave them, with an empty cursor for the one that was taken out."""
    given = QueryParams(query_string + b"&cursor=" if has_cursor else query_string)
    query = parameters.model_validate(with_lists(given, frozenset(parameters.SEVERAL)))
    others = [(name, value) for name, value in given.multi_items() if name not in PAGE_PARAMETERS]
    return Asked(query, urlencode([*others, ("limit", query.limit)]))


_kept = lru_cache(maxsize=512)(_parsed)
