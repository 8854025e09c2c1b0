"""Customers, products and orders, and the sign of life."""

from http import HTTPStatus

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from functions.api.problems import documented
from functions.api.resources import collections as lists
from functions.api.resources import models
from functions.api.resources.route_parameters import (
    CustomerOrdersQuery,
    CustomerQuery,
    CustomersQuery,
    OrdersQuery,
    ProductsQuery,
)
from functions.api.responses import CustomerId, item_response, list_response, query_parameters, unknown_customer

LIST_PROBLEMS = {304: {"description": "Not modified: the answer that `If-None-Match` names holds."}} | documented(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
ITEM_PROBLEMS = documented(HTTPStatus.NOT_FOUND) | LIST_PROBLEMS

router = APIRouter()


@router.get(
    "/customers",
    response_model=models.CustomerPage,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(CustomersQuery),
    tags=["customers"],
)
async def list_customers(request: Request) -> Response:
    """Customers, in the order of their ids or of a figure; those who lack it come where the smallest would."""
    return await list_response(request, lists.CUSTOMERS, CustomersQuery)


@router.get(
    "/customers/{customer_id:key}",
    response_model=models.CustomerProfile,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(CustomerQuery),
    tags=["customers"],
)
async def get_customer(request: Request, customer_id: CustomerId) -> Response:
    """One customer, with the figures of all their orders and their live activity, or as of an instant."""
    return await item_response(request, lists.PROFILE, CustomerQuery, customer_id) or unknown_customer(request)


@router.get(
    "/customers/{customer_id:key}/orders",
    response_model=models.OrderPage,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(CustomerOrdersQuery),
    tags=["customers"],
)
async def list_orders_of_customer(request: Request, customer_id: CustomerId) -> Response:
    """One customer's order lines, the newest order first; an empty list for a customer who has ordered nothing."""
    return await list_response(
        request,
        lists.ORDERS_OF_CUSTOMER,
        CustomerOrdersQuery,
        ("customer_id = %(customer_id)s",),
        {"customer_id": customer_id},
    )


@router.get(
    "/products",
    response_model=models.ProductPage,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(ProductsQuery),
    tags=["products"],
)
async def list_products(request: Request) -> Response:
    """Products, in the order of their ids or of a figure."""
    return await list_response(request, lists.PRODUCTS, ProductsQuery)


@router.get(
    "/orders",
    response_model=models.OrderPage,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(OrdersQuery),
    tags=["orders"],
)
async def list_orders(request: Request) -> Response:
    """Order lines, in the order of their keys or of their dates."""
    return await list_response(request, lists.ORDERS, OrdersQuery)


@router.get("/healthz", response_model=models.Health, tags=["service"])
async def healthz() -> Response:
    """Whether the process answers; the database is not asked."""
    return JSONResponse({"status": "ok"})
