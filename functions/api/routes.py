"""Customers, products and orders, and the sign of life."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from functions.api import lists, models
from functions.api.access import Access, authorise
from functions.api.cursor import is_storable
from functions.api.parameters import CustomerOrdersQuery, CustomerQuery, CustomersQuery, OrdersQuery, ProductsQuery
from functions.api.problems import documented
from functions.api.responses import item_response, list_response

CustomerId = Annotated[str, Path(description="Any characters; percent-encode what a URL does not hold, a slash too.")]
Caller = Annotated[Access, Depends(authorise)]

LIST_PROBLEMS = documented(
    HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
)
ITEM_PROBLEMS = documented(HTTPStatus.NOT_FOUND) | LIST_PROBLEMS

router = APIRouter()


class _KeyConvertor(Convertor[str]):
    """One segment of the encoded path, decoded: a business key with any characters."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


register_url_convertor("key", _KeyConvertor())


def unknown_customer() -> HTTPException:
    """404 for a customer that no file has named."""
    return HTTPException(HTTPStatus.NOT_FOUND, "There is no customer with this id.")


@router.get("/customers", response_model=models.CustomerPage, responses=LIST_PROBLEMS, tags=["customers"])
async def list_customers(request: Request, access: Caller, query: Annotated[CustomersQuery, Query()]) -> Response:
    """Customers, in the order of their ids or of a figure; customers without that figure come as the smallest."""
    response = await list_response(request, access, lists.CUSTOMERS, query)
    assert response is not None  # noqa: S101 - this list hangs on nothing
    return response


@router.get(
    "/customers/{customer_id:key}",
    response_model=models.Customer,
    responses=ITEM_PROBLEMS,
    tags=["customers"],
)
async def get_customer(
    request: Request, access: Caller, customer_id: CustomerId, query: Annotated[CustomerQuery, Query()]
) -> Response:
    """One customer, with the figures of all their orders, now or as of an instant."""
    if is_storable(customer_id):
        response = await item_response(request, access, lists.CUSTOMERS, query, customer_id)
        if response is not None:
            return response
    raise unknown_customer()


@router.get(
    "/customers/{customer_id:key}/orders",
    response_model=models.OrderPage,
    responses=ITEM_PROBLEMS,
    tags=["customers"],
)
async def list_orders_of_customer(
    request: Request, access: Caller, customer_id: CustomerId, query: Annotated[CustomerOrdersQuery, Query()]
) -> Response:
    """One customer's order lines, the newest order first; an empty list for a customer who has ordered nothing."""
    if is_storable(customer_id):
        response = await list_response(
            request,
            access,
            lists.ORDERS_OF_CUSTOMER,
            query,
            ("customer_id = %(customer_id)s",),
            {"customer_id": customer_id},
        )
        if response is not None:
            return response
    raise unknown_customer()


@router.get("/products", response_model=models.ProductPage, responses=LIST_PROBLEMS, tags=["products"])
async def list_products(request: Request, access: Caller, query: Annotated[ProductsQuery, Query()]) -> Response:
    """Products, in the order of their ids or of a figure."""
    response = await list_response(request, access, lists.PRODUCTS, query)
    assert response is not None  # noqa: S101 - this list hangs on nothing
    return response


@router.get("/orders", response_model=models.OrderPage, responses=LIST_PROBLEMS, tags=["orders"])
async def list_orders(request: Request, access: Caller, query: Annotated[OrdersQuery, Query()]) -> Response:
    """Order lines, in the order of their keys or of their dates."""
    response = await list_response(request, access, lists.ORDERS, query)
    assert response is not None  # noqa: S101 - this list hangs on nothing
    return response


@router.get("/healthz", response_model=models.Health, tags=["service"])
async def healthz() -> Response:
    """Whether the process answers; the database is not asked."""
    return JSONResponse({"status": "ok"})
