"""The five endpoints, and the sign of life."""

import json
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Path, Query, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from functions.api import models, queries
from functions.api.database import Database
from functions.api.problems import documented
from functions.api.queries import Items

LARGEST_SKIP = 2**53 - 1
LARGEST_PAGE = 1000

Skip = Annotated[int, Query(ge=0, le=LARGEST_SKIP, description="Items to pass over.")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="Items in a page, at most.")]
CustomerId = Annotated[str, Path(description="Any characters; percent-encode what a URL does not hold, a slash too.")]

_LIST_PROBLEMS = documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
_ITEM_PROBLEMS = documented(HTTPStatus.NOT_FOUND) | _LIST_PROBLEMS

router = APIRouter()


class _KeyConvertor(Convertor[str]):
    """One segment of the encoded path, decoded: a business key with any characters."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


register_url_convertor("key", _KeyConvertor())


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _next_url(request: Request, *, skip: int, limit: int, total: int) -> str | None:
    """This request's URL, for the page after this one, as the caller reached us; None when nothing follows."""
    if skip + limit >= total:
        return None
    url = request.url.include_query_params(skip=skip + limit, limit=limit)
    root_path: str = request.scope.get("root_path", "")
    return str(url.replace(path=root_path + url.path))


def _list_response(request: Request, items: Items, *, skip: int, limit: int) -> Response:
    following = _next_url(request, skip=skip, limit=limit, total=items.total)
    body = f'{{"items":[{items.json}],"total":{items.total},"next":{json.dumps(following)}}}'
    return Response(body, media_type="application/json")


def _unknown_customer() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "There is no customer with this id.")


@router.get("/customers", response_model=models.CustomerPage, responses=_LIST_PROBLEMS, tags=["customers"])
def list_customers(request: Request, skip: Skip = 0, limit: Limit = 100) -> Response:
    """All customers, in the order of their ids."""
    items = queries.customers(_database(request), skip=skip, limit=limit)
    return _list_response(request, items, skip=skip, limit=limit)


@router.get(
    "/customers/{customer_id:key}",
    response_model=models.Customer,
    responses=_ITEM_PROBLEMS,
    tags=["customers"],
)
def get_customer(request: Request, customer_id: CustomerId) -> Response:
    """One customer, with the figures of all their orders."""
    found = queries.customer(_database(request), customer_id)
    if found is None:
        raise _unknown_customer()
    return Response(found, media_type="application/json")


@router.get(
    "/customers/{customer_id:key}/orders",
    response_model=models.OrderPage,
    responses=_ITEM_PROBLEMS,
    tags=["customers"],
)
def list_orders_of_customer(request: Request, customer_id: CustomerId, skip: Skip = 0, limit: Limit = 100) -> Response:
    """One customer's order lines, the newest order first; an empty list for a customer who has ordered nothing."""
    items = queries.orders_of_customer(_database(request), customer_id, skip=skip, limit=limit)
    if items is None:
        raise _unknown_customer()
    return _list_response(request, items, skip=skip, limit=limit)


@router.get("/products", response_model=models.ProductPage, responses=_LIST_PROBLEMS, tags=["products"])
def list_products(request: Request, skip: Skip = 0, limit: Limit = 100) -> Response:
    """All products, in the order of their ids."""
    items = queries.products(_database(request), skip=skip, limit=limit)
    return _list_response(request, items, skip=skip, limit=limit)


@router.get("/orders", response_model=models.OrderPage, responses=_LIST_PROBLEMS, tags=["orders"])
def list_orders(request: Request, skip: Skip = 0, limit: Limit = 100) -> Response:
    """All order lines, in the order of their keys."""
    items = queries.orders(_database(request), skip=skip, limit=limit)
    return _list_response(request, items, skip=skip, limit=limit)


@router.get("/healthz", response_model=models.Health, tags=["service"])
def healthz() -> Response:
    """Whether the process answers; the database is not asked."""
    return JSONResponse({"status": "ok"})
