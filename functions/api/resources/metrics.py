"""The figures that a dashboard draws, computed once for each publication of the marts."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request
from psycopg import sql
from pydantic import Field
from starlette.responses import Response

from functions.api.answers import Answer
from functions.api.paging.cache import WATERMARK
from functions.api.paging.collection import columns
from functions.api.paging.conditional import json_response, not_modified, tags_of_caller
from functions.api.paging.parameters import Instant, Query
from functions.api.problems import LIST_PROBLEMS
from functions.api.resources import metric_models as shapes
from functions.api.responses import cache_of, database_of, parsed, query_parameters
from functions.api.security.authentication import access_of
from functions.common.sql_files import read_sql

_SERIES = sql.SQL("""
select
    ({watermark}),
    (
        select '{{"items":[' || coalesce(string_agg(row_to_json(point)::text, ','), '') || ']}}'
        from (select {columns} from ({points}) as point) as point
    )
""")
_OBJECT = sql.SQL("""
select
    ({watermark}),
    (select row_to_json(figures)::text from (select {columns} from ({points}) as figures) as figures)
""")

router = APIRouter(prefix="/metrics", tags=["metrics"])


class PeriodQuery(Query):
    """A period of orders; all time by default."""

    ordered_from: Annotated[Instant | None, Field(description="Ordered at this instant or later.")] = None
    ordered_before: Annotated[Instant | None, Field(description="Ordered before this instant.")] = None


@dataclass(frozen=True)
class Metric:
    """`statement` returns the watermark and the answer's JSON."""

    name: str
    statement: bytes
    query: type[Query] = Query


def _metric(name: str, model: type[Answer], template: sql.SQL = _SERIES, query: type[Query] = Query) -> Metric:
    points = read_sql(f"api/{name.replace('-', '_')}.sql")
    text = template.format(watermark=WATERMARK, columns=columns(model, masked=False), points=points)
    return Metric(name, text.as_bytes(None), query)


async def _answer(request: Request, metric: Metric) -> Response:
    parameters: dict[str, Any] = parsed(request, metric.query).model_dump()
    access, database, cache = access_of(request), database_of(request), cache_of(request)
    key = (metric, *parameters.values())
    if tags_of_caller(request) or cache.has(key):
        watermark = await cache.current_watermark(database)
        if (same := not_modified(request, access, watermark)) is not None:
            return same
        if (known := cache.get(key, watermark)) is not None:
            return json_response(request, access, known, watermark)
    watermark, body = await database.read_row(metric.statement, parameters)
    cache.put(key, body, watermark, size=2 * len(body))
    return json_response(request, access, body, watermark)


_OVERVIEW = _metric("overview", shapes.Overview, _OBJECT)
_BY_STATUS = _metric("orders-by-status", shapes.StatusPoint)
_BY_SEGMENT = _metric("customers-by-segment", shapes.SegmentPoint)
_BY_DAY = _metric("revenue-by-day", shapes.DayPoint, query=PeriodQuery)
_BY_STATE = _metric("revenue-by-state", shapes.StatePoint)
_BY_CATEGORY = _metric("revenue-by-category", shapes.CategoryPoint)
_COHORTS = _metric("cohort-retention", shapes.CohortPoint)
_RFM = _metric("rfm", shapes.RfmPoint)


@router.get("/overview", response_model=shapes.Overview, responses=LIST_PROBLEMS)
async def overview(request: Request) -> Response:
    """Customers, products, orders and revenue of the whole."""
    return await _answer(request, _OVERVIEW)


@router.get("/orders-by-status", response_model=shapes.Series[shapes.StatusPoint], responses=LIST_PROBLEMS)
async def orders_by_status(request: Request) -> Response:
    """Orders and revenue by status."""
    return await _answer(request, _BY_STATUS)


@router.get("/customers-by-segment", response_model=shapes.Series[shapes.SegmentPoint], responses=LIST_PROBLEMS)
async def customers_by_segment(request: Request) -> Response:
    """Customers, their orders and their revenue by segment."""
    return await _answer(request, _BY_SEGMENT)


@router.get(
    "/revenue-by-day",
    response_model=shapes.Series[shapes.DayPoint],
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(PeriodQuery),
)
async def revenue_by_day(request: Request) -> Response:
    """Orders and revenue by day, of a period or of all time."""
    return await _answer(request, _BY_DAY)


@router.get("/revenue-by-state", response_model=shapes.Series[shapes.StatePoint], responses=LIST_PROBLEMS)
async def revenue_by_state(request: Request) -> Response:
    """Orders and revenue by the state that the customers are in now."""
    return await _answer(request, _BY_STATE)


@router.get("/revenue-by-category", response_model=shapes.Series[shapes.CategoryPoint], responses=LIST_PROBLEMS)
async def revenue_by_category(request: Request) -> Response:
    """Products, sales and revenue by category."""
    return await _answer(request, _BY_CATEGORY)


@router.get("/cohort-retention", response_model=shapes.Series[shapes.CohortPoint], responses=LIST_PROBLEMS)
async def cohort_retention(request: Request) -> Response:
    """For each month of first orders, how many customers ordered again in which later month."""
    return await _answer(request, _COHORTS)


@router.get("/rfm", response_model=shapes.Series[shapes.RfmPoint], responses=LIST_PROBLEMS)
async def rfm(request: Request) -> Response:
    """Customers by recency, frequency and monetary value."""
    return await _answer(request, _RFM)
