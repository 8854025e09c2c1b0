"""From a request to its answer: a page of a list, or one object, as JSON with its cache headers."""

import json
from typing import Any, LiteralString
from urllib.parse import urlencode

from fastapi import Request
from starlette.responses import Response

from functions.api.access import Access, refuse_personal
from functions.api.conditional import json_response, unchanged
from functions.api.database import Database
from functions.api.listing import Listing, Selection, item_statement
from functions.api.lists import Totals, read_page
from functions.api.parameters import ItemQuery, ListQuery

_PAGE_PARAMETERS = ("skip", "limit", "cursor")


def database_of(request: Request) -> Database:
    """The application's database."""
    database: Database = request.app.state.database
    return database


def next_url(request: Request, *, limit: int, after: str) -> str:
    """This request's URL, as the caller reached us, for the page that begins after a cursor."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in _PAGE_PARAMETERS]
    query = urlencode([*kept, ("limit", limit), ("cursor", after)])
    root_path: str = request.scope.get("root_path", "")
    return str(request.url.replace(path=root_path + request.url.path, query=query))


async def list_response(
    request: Request,
    access: Access,
    listing: Listing,
    query: ListQuery,
    conditions: tuple[LiteralString, ...] = (),
    values: dict[str, Any] | None = None,
) -> Response | None:
    """A page of `listing` as `query` wants it, narrowed by `conditions`; None if what it hangs on does not exist."""
    refuse_personal(access, query.PERSONAL & query.filtered.keys())
    database = database_of(request)
    if (same := await unchanged(request, access, database)) is not None:
        return same
    totals: Totals = request.app.state.totals
    wanted = Selection(
        listing,
        query.selected,
        access.masked,
        query.sort,
        conditions + query.conditions,
        as_of=bool(query.instants),
    )
    parameters = (values or {}) | query.values | query.instants
    page = await read_page(database, totals, wanted, parameters, skip=query.skip, limit=query.limit, after=query.cursor)
    if not page.exists:
        return None
    following = None if page.after is None else next_url(request, limit=query.limit, after=page.after)
    body = f'{{"items":[{page.items}],"total":{page.total},"next":{json.dumps(following)}}}'
    return json_response(request, access, body, page.watermark)


async def item_response(
    request: Request, access: Access, listing: Listing, query: ItemQuery, key: str
) -> Response | None:
    """The object with this key as `query` wants it; None when there is none."""
    database = database_of(request)
    if (same := await unchanged(request, access, database)) is not None:
        return same
    wanted = Selection(listing, query.selected, access.masked, "", as_of=bool(query.instants))
    watermark, item = await database.read_row(item_statement(wanted), {"key": key} | query.instants)
    return None if item is None else json_response(request, access, item, watermark)
