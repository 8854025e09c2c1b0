"""From a request to its answer: a page of a list, or one object, as JSON with its cache headers.

Routes document their query parameters by `query_parameters` and parse them here, with pydantic itself: FastAPI's
own parsing of a parameter model takes as long as all the rest of a request.
"""

import json
from functools import lru_cache
from http import HTTPStatus
from typing import Annotated, Any, LiteralString
from urllib.parse import quote, unquote, urlencode

from fastapi import Path, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.responses import Response

from functions.api.database import Database
from functions.api.errors import BadParameterError
from functions.api.http import header
from functions.api.paging.asked import PAGE_PARAMETERS, asked_of
from functions.api.paging.cache import Cache
from functions.api.paging.collection import Collection, Selection, items_statement
from functions.api.paging.conditional import json_response, not_modified, tags_of_caller
from functions.api.paging.cursor import is_storable
from functions.api.paging.pages import read_page
from functions.api.paging.parameters import ItemQuery, ListQuery, Query, with_lists
from functions.api.paging.together import Together
from functions.api.security.authentication import access_of, refuse_personal

CustomerId = Annotated[str, Path(description="Any characters; percent-encode what a URL does not hold, a slash too.")]


class _KeyConvertor(Convertor[str]):
    """One segment of the encoded path, decoded: a business key with any characters."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


register_url_convertor("key", _KeyConvertor())


def query_parameters(model: type[Query]) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes these query parameters."""
    schema = model.model_json_schema()
    parameters = []
    for name, declared in schema["properties"].items():
        description = declared.pop("description", None)
        variants = [each for each in declared.pop("anyOf", ()) if each != {"type": "null"}]
        if variants:
            declared = {**variants[0], **declared}
        declared = {key: value for key, value in declared.items() if (key, value) != ("default", None)}
        parameter = {"name": name, "in": "query", "required": False, "schema": declared}
        parameters.append(parameter if description is None else parameter | {"description": description})
    return {"parameters": parameters}


def parsed[Q: Query](request: Request, model: type[Q]) -> Q:
    """The query parameters. Raises pydantic.ValidationError, which is answered by 422."""
    if not request.scope["query_string"]:
        return model.model_validate({})
    lists = frozenset(model.SEVERAL) if issubclass(model, ListQuery) else frozenset[str]()
    return model.model_validate(with_lists(request.query_params, lists))


def database_of(request: Request) -> Database:
    """The application's database."""
    database: Database = request.app.state.database
    return database


def cache_of(request: Request) -> Cache:
    """The application's cache of answers from the marts."""
    cache: Cache = request.app.state.cache
    return cache


def current_response(body: str | bytes) -> Response:
    """JSON that is true at this moment only, and is not to be kept."""
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def unknown_customer(_request: Request) -> Response:
    """Raises the 404 of a customer that no file has named."""
    raise HTTPException(HTTPStatus.NOT_FOUND, "There is no customer with this id.")


def next_url(request: Request, *, limit: int, after: str) -> str:
    """This request's URL, as the caller reached us, for the page that begins after a cursor."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in PAGE_PARAMETERS]
    return _url(request, urlencode([*kept, ("limit", limit)]), after)


def _url(request: Request, query_string: str, after: str) -> str:
    scope = request.scope
    origin = _origin(scope["scheme"], header(scope, b"host"), scope.get("server"))
    root_path: str = scope.get("root_path", "")
    return f"{origin}{root_path}{scope['path']}?{query_string}&cursor={quote(after, safe='')}"


@lru_cache(maxsize=64)
def _origin(scheme: str, host: str | None, server: tuple[str, int | None] | None) -> str:
    """Where the caller reached us, as starlette takes it from the request; empty where it is not known."""
    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    url = URL(scope={"type": "http", "scheme": scheme, "server": server, "path": "", "headers": headers})
    return f"{url.scheme}://{url.netloc}" if url.netloc else ""


def refuse_fields_of_the_present(selection: Selection) -> None:
    """Refuse fields that are known of the present only. Raises BadParameterError."""
    if not set(selection.fields) <= set(selection.model.model_fields):
        raise BadParameterError("fields", f"as of an instant there are {', '.join(selection.model.model_fields)}")


async def list_response(
    request: Request,
    collection: Collection,
    parameters: type[ListQuery],
    conditions: tuple[LiteralString, ...] = (),
    values: dict[str, Any] | None = None,
) -> Response:
    """A page of `collection` as the query parameters ask for it, narrowed by `conditions` with `values`.

    Raises HTTPException 404 when what the list hangs on does not exist, 403 when it is filtered by what is hidden.
    """
    asked, after = asked_of(request.scope["query_string"], parameters)
    access = access_of(request)
    refuse_personal(access, asked.personal)
    values = values or {}
    if not all(is_storable(value) for value in values.values() if isinstance(value, str)):
        return unknown_customer(request)
    database = database_of(request)
    watermark = await cache_of(request).current_watermark(database) if tags_of_caller(request) else None
    if (same := not_modified(request, access, watermark)) is not None:
        return same
    selection = asked.selection(collection, conditions, masked=access.masked)
    refuse_fields_of_the_present(selection)
    page = await read_page(
        database,
        cache_of(request),
        selection,
        values | asked.values,
        skip=asked.query.skip,
        after=after,
        watermark=watermark,
    )
    if not page.exists:
        return unknown_customer(request)
    request.state.records = page.count
    following = "null" if page.after is None else json.dumps(_url(request, asked.query_string_of_next, page.after))
    total = "null" if page.total is None else page.total
    body = f'{{"items":[{page.items}],"total":{total},"next":{following}}}'
    return json_response(request, access, body, page.watermark)


async def item_response(
    request: Request, collection: Collection, parameters: type[ItemQuery], key: str
) -> Response | None:
    """The object with this key as the query parameters ask for it; None when there is none."""
    query = parsed(request, parameters)
    access = access_of(request)
    if not is_storable(key):
        return None
    selection = Selection(collection, query.selected, access.masked, "", as_of=bool(query.instants))
    refuse_fields_of_the_present(selection)
    together: Together = request.app.state.together
    item = await together.read(database_of(request), items_statement(selection), key, query.instants)
    if item is None:
        return None
    request.state.records = 1
    # live activity changes between publications, so the answer is known by itself
    return not_modified(request, access, item) or json_response(request, access, item, item)
