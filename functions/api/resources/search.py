"""Find a customer by what one has at hand: an id, its beginning, a name, an e-mail address."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field
from starlette.responses import Response

from functions.api.answers import Answer
from functions.api.paging.parameters import SHORTEST_WORD, WORDS_LIMIT, Query, Value, contains
from functions.api.plain_route import PlainRoute
from functions.api.problems import LIST_PROBLEMS
from functions.api.responses import database_of, parsed, query_parameters
from functions.api.security.authentication import access_of
from functions.api.security.masking import masked_column
from functions.common.sql_files import read_sql

_SEARCH = (
    read_sql("api/search.sql")
    .format(**{name: masked_column("m", name) for name in ("customer_id", "first_name", "last_name", "email")})
    .as_bytes(None)
)

router = APIRouter(tags=["customers"], route_class=PlainRoute)


class Hit(Answer):
    """A customer that matches."""

    kind: Literal["customer"]
    customer_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    customer_segment: str | None


class Hits(Answer):
    """The customers that match, the best first."""

    items: list[Hit]


class SearchQuery(Query):
    """What to find."""

    q: Annotated[Value, Field(min_length=1, max_length=200), AfterValidator(str.strip)]
    limit: Annotated[int, Field(ge=1, le=100)] = 10


@router.get("/search", response_model=Hits, responses=LIST_PROBLEMS, openapi_extra=query_parameters(SearchQuery))
async def search(request: Request) -> Response:
    """Customers by id, by its beginning, and, with `pii:read`, by words of name and e-mail; in this order."""
    query = parsed(request, SearchQuery)
    masked = access_of(request).masked
    words = query.q.split()[:WORDS_LIMIT]
    by_words = not masked and max(map(len, words), default=0) >= SHORTEST_WORD
    customers, request.state.records = await database_of(request).read_row(
        _SEARCH,
        {
            "q": query.q,
            "limit": query.limit,
            "masked": masked,
            "patterns": [contains(word).lower() for word in words] if by_words else None,
        },
    )
    return Response(f'{{"items":{customers}}}', media_type="application/json", headers={"Cache-Control": "no-store"})
