"""Products and how they sell."""

from typing import Annotated, ClassVar, Literal, LiteralString

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from functions.api.answers import Item, MartPage, Money
from functions.api.paging.collection import Collection, Sort, as_of_function, hub, view
from functions.api.paging.parameters import MartQuery, Search, Value
from functions.api.plain_route import PlainRoute
from functions.api.problems import LIST_PROBLEMS
from functions.api.responses import list_response, query_parameters

router = APIRouter(tags=["products"], route_class=PlainRoute)


class ProductAsOf(Item):
    """A product as of an instant (`business_vault.product_analytics_as_of`)."""

    product_id: Annotated[str, Field(examples=["P00017"])]
    product_name: Annotated[str | None, Field(examples=["Desk lamp"])]
    category: Annotated[str | None, Field(examples=["Home"])]
    price: Money | None
    cost: Money | None
    supplier: Annotated[str | None, Field(examples=["Acme"])]
    total_sold: Annotated[int, Field(description="Order lines that name this product.", examples=[20])]
    total_quantity: Annotated[int, Field(description="Pieces sold, less pieces returned.", examples=[41])]
    revenue: Money
    avg_price: Money | None


class Product(ProductAsOf):
    """A product with the figures of all its sales (`business_vault.vw_product_analytics`).

    With `as_of` or `known_at` the field `is_deleted` is absent.
    """

    is_deleted: Annotated[bool, Field(description="Missing from the last complete list of products.")]


class ProductPage(MartPage):
    """Products."""

    items: list[Product]


class ProductsQuery(MartQuery):
    """The list of products."""

    ITEM = Product
    FILTERS: ClassVar[dict[str, LiteralString]] = {
        "category": "(category = %(category)s or %(category)s = '' and category is null)"
    }
    SEARCHED = "lower(product_name)"

    sort: Literal["product_id", "-product_id", "revenue", "-revenue", "total_quantity", "-total_quantity"] = (
        "product_id"
    )
    category: Value | None = None
    q: Annotated[Search | None, Field(description="Words of the product's name.")] = None


_PRODUCT_ID = Sort("product_id")
PRODUCTS = Collection(
    Product,
    view("vw_product_analytics"),
    key=(_PRODUCT_ID,),
    sorts={
        "product_id": _PRODUCT_ID,
        "revenue": Sort("revenue", "numeric"),
        "total_quantity": Sort("total_quantity", "numeric"),
    },
    as_of=as_of_function("product_analytics_as_of"),
    hub=hub("hub_product"),
    whole_as_of=as_of_function("product_analytics_whole_as_of"),
    model_as_of=ProductAsOf,
    mart="mart_product_analytics",
)


@router.get(
    "/products",
    response_model=ProductPage,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(ProductsQuery),
)
async def list_products(request: Request) -> Response:
    """Products, in the order of their ids or of a figure."""
    return await list_response(request, PRODUCTS, ProductsQuery)
