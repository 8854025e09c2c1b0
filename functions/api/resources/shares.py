"""Links that share a view of the dashboard: made by who may call, read through by who has one.

Listed and revoked by who made them; where callers are not told apart, by all of them. With the scope `shares:manage` by
others too.
"""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal, LiteralString
from uuid import UUID

from fastapi import APIRouter, Path, Request
from psycopg import sql
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from functions.api.answers import Answer, Item, Page
from functions.api.paging.collection import Collection, Sort
from functions.api.paging.filters import FilterQuery
from functions.api.paging.parameters import ListQuery, Query
from functions.api.problems import LIST_PROBLEMS, documented
from functions.api.responses import database_of, list_response, parsed, query_parameters
from functions.api.security.authentication import MANAGE_SHARES, PERSONAL, access_of
from functions.api.security.share_links import sign
from functions.common.sql_files import read_sql

LONGEST_DAYS = 90
LARGEST_VIEW = 4096

_CREATE = read_sql("api/create_share.sql").as_bytes(None)
_REVOKE = read_sql("api/revoke_share.sql").as_bytes(None)
_OWN = "created_by is not distinct from %(caller)s::text"
_PRIVATE = {"Cache-Control": "no-store"}

router = APIRouter(prefix="/shares", tags=["shares"])


class View(BaseModel):
    """What the page shows. `filters` are those of figures; everything else is the page's own."""

    model_config = ConfigDict(extra="allow", frozen=True)

    page: Annotated[str, Field(min_length=1, max_length=100, examples=["overview"])]
    filters: FilterQuery = FilterQuery()

    def stored(self) -> str:
        """As the link keeps it."""
        kept = self.model_copy(update={"filters": self.filters.given})
        return kept.model_dump_json(warnings=False)


class NewShare(BaseModel):
    """What to share, for how long, and with how much freedom."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    view: View
    expires_in_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] = 7
    filters_locked: Annotated[bool, Field(description="Whether the filters must stay those of the view.")] = True
    personal: Annotated[bool, Field(description="Whether names and the like show; needs `pii:read`.")] = False
    note: Annotated[str | None, Field(max_length=200)] = None

    @field_validator("view")
    @classmethod
    def _not_too_long(cls, value: View) -> View:
        stored = value.stored()
        if len(stored.encode()) > LARGEST_VIEW or "\\u0000" in stored:
            raise ValueError(f"at most {LARGEST_VIEW} bytes of JSON, without NUL characters")
        return value


class ShareLink(Item):
    """A link that shares a view."""

    share_id: UUID
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    view: dict[str, Any]
    filters_locked: bool
    personal: bool
    note: str | None


class CreatedShare(ShareLink):
    """A new link with its token, which is shown this once."""

    token: str
    path: Annotated[str, Field(description="Of the page, below the API's root.", examples=["dashboard#share=…"])]


class SharePage(Page):
    """Links."""

    items: list[ShareLink]


class CurrentShare(Answer):
    """The link that this request came through."""

    view: dict[str, Any]
    expires_at: datetime
    filters_locked: bool
    personal: bool


class SharesQuery(ListQuery):
    """The list of links."""

    ITEM = ShareLink
    FILTERS: ClassVar[dict[str, LiteralString]] = {}

    sort: Literal["created_at", "-created_at"] = "-created_at"


_SHARES = Collection(
    ShareLink,
    sql.Identifier("metadata", "share_link"),
    key=(Sort("share_id::text"),),
    sorts={"created_at": Sort("created_at", "timestamptz")},
)


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=CreatedShare,
    responses=documented(
        HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)
async def create_share(request: Request, share: NewShare) -> Response:
    """Share a view by a link that shows figures only, to whoever has it and may call the API at all."""
    if share.personal and access_of(request).masked:
        raise HTTPException(HTTPStatus.FORBIDDEN, f"The scope {PERSONAL} is needed to share what shows persons.")
    key, share_id, body = await database_of(request).write_row(
        _CREATE,
        share.model_dump(exclude={"view"}) | {"view": share.view.stored(), "created_by": access_of(request).subject},
    )
    token = sign(bytes(key), share_id)
    body = f'{body.removesuffix("}")}, "token": "{token}", "path": "dashboard#share={token}"}}'
    return Response(body, HTTPStatus.CREATED, media_type="application/json", headers=_PRIVATE)


@router.get(
    "", response_model=SharePage, responses=LIST_PROBLEMS, openapi_extra=query_parameters(SharesQuery)
)  # fmt: skip
async def list_shares(request: Request) -> Response:
    """The caller's links, the newest first, without their tokens; with the scope `shares:manage` those of all."""
    access = access_of(request)
    if MANAGE_SHARES in access.scopes:
        return await list_response(request, _SHARES, SharesQuery)
    return await list_response(request, _SHARES, SharesQuery, (_OWN,), {"caller": access.subject})


@router.get(
    "/current",
    response_model=CurrentShare,
    responses=documented(HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND),
)
async def current_share(request: Request) -> Response:
    """The link that this request comes through, by its header `X-Share-Token`."""
    parsed(request, Query)
    share = access_of(request).share
    if share is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "This request comes through no link.")
    current = {
        "view": share.view,
        "expires_at": share.expires_at.isoformat(),
        "filters_locked": share.filters_locked,
        "personal": share.personal,
    }
    return JSONResponse(current, headers=_PRIVATE)


@router.delete(
    "/{share_id}",
    status_code=HTTPStatus.NO_CONTENT,
    responses=documented(
        HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY
    ),
)
async def revoke_share(request: Request, share_id: Annotated[UUID, Path()]) -> Response:
    """End a link of the caller's, or with the scope `shares:manage` anybody's: its token opens nothing any more."""
    access = access_of(request)
    whose = {"caller": access.subject, "anybodys": MANAGE_SHARES in access.scopes}
    if not await database_of(request).write_rows(_REVOKE, {"share_id": share_id} | whose):
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such link of yours.")
    return Response(status_code=HTTPStatus.NO_CONTENT)
