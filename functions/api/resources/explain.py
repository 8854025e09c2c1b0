"""Where a figure comes from: what it counts, in words, the rows behind it, and their files."""

import json
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Literal, LiteralString

from fastapi import APIRouter, Path, Request
from pydantic import Field, TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import Response

from functions.api.database import Database
from functions.api.errors import BadParameterError
from functions.api.paging.collection import Collection, Selection, page_statement
from functions.api.paging.conditional import json_response, not_modified
from functions.api.paging.cursor import decode, encode
from functions.api.paging.filters import FilterQuery, parsed_filters
from functions.api.paging.parameters import Cursor, Limit
from functions.api.paging.sealed import is_hidden, seal_of
from functions.api.problems import ITEM_PROBLEMS
from functions.api.resources import explain_models as shapes
from functions.api.resources.explained_rows import collection_of, conditions_of, figure_statement, needs_whole_point
from functions.api.resources.metrics import LAYER
from functions.api.responses import cache_of, database_of, next_url, query_parameters
from functions.api.security.authentication import access_of, require_filters
from functions.model.metrics import Column, Metric

router = APIRouter(prefix="/metrics", tags=["metrics"])

_ADDS = {
    "orders": "1 for the first line of each order, 0 for others",
    "quantity": "its quantity",
    "total_amount": "its amount",
    "purchase_amount": "its amount if it is a purchase, else 0",
    "total_orders": "the customer's orders",
    "lifetime_value": "the customer's revenue",
    "month_revenue": "the customer's revenue in the month",
    "month_values": "the customer's revenue in each month, divided by all who have lived the month",
    "month_prediction": "what customers so long after their first order had brought in a month, on average",
    "gaps": "the customer's orders less one",
    "gap_days": "the days between the customer's first and last order",
    "share_of_other": "the share of all customers with orders who bought the other product",
    "1": "1",
}


class ExplainQuery(FilterQuery):
    """Which figure, of what. The grain columns of the panel, as parameters, say which of its rows."""

    column: Annotated[str, Field(max_length=100, description="A column of the panel.")]
    sort: Annotated[
        Literal["counts", "-counts"] | None, Field(description="By what rows add; by their keys by default.")
    ] = None
    limit: Limit = 50
    cursor: Cursor | None = None


def _explained(panel: str, column: str) -> tuple[Metric, Column, str]:
    metric = LAYER.metrics.get(panel)
    if metric is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such panel; see /metrics/catalogue.")
    rows = metric.explained_by(column) if column in metric.columns else None
    if rows is None:
        named = ", ".join(name for name in metric.columns if metric.explained_by(name)) or "none"
        raise BadParameterError("column", f"of {panel}, rows explain: {named}")
    return metric, metric.columns[column], rows


def _point(metric: Metric, column: Column, given: QueryParams) -> dict[str, Any]:
    """The grain columns that are given, typed; the empty value is null."""
    kinds: dict[str, Any] = {"text": str, "integer": int, "date": date}
    point = {}
    for name in metric.grain:
        if name in given:
            value = given[name]
            try:
                point[name] = TypeAdapter(kinds[metric.columns[name].type]).validate_python(value) if value else None
            except ValidationError as error:
                raise BadParameterError(name, error.errors()[0]["msg"]) from None
    missing = [name for name in metric.grain if name not in point]
    is_half_given = metric.name == "cohort-retention" and point
    if missing and (is_half_given or needs_whole_point(metric, column)):
        raise BadParameterError(missing[0], f"give {' and '.join(metric.grain)}")
    return point


def _query(given: QueryParams, point: dict[str, Any]) -> ExplainQuery:
    """The other parameters. A grain column that is a filter too is taken for the filter as well."""
    others = [each for each in given.multi_items() if each[0] not in point or each[0] in FilterQuery.model_fields]
    return parsed_filters(QueryParams(others), ExplainQuery)


async def _page(
    database: Database,
    collection: Collection,
    conditions: tuple[LiteralString, ...],
    query: ExplainQuery,
    values: dict[str, Any],
) -> tuple[str, int, str | None]:
    """The items' JSON, separated by commas, how many these are, and the cursor of the next page."""
    parameters = dict(values)
    sort = query.sort or ""
    order = collection.order(sort)
    seal = await seal_of(database) if values["masked"] and is_hidden(order) else None
    if query.cursor is not None:
        given = query.cursor if seal is None else seal.opened(query.cursor)
        position = decode(given, sort, [each.type for each in order])
        parameters |= {f"after_{n}": value for n, value in enumerate(position)}
    is_after = query.cursor is not None
    selection = Selection(
        collection,
        (),
        bool(values["masked"]),
        sort,
        conditions,
        after_cursor=is_after,
        counted=False,
        limit=query.limit,
    )
    _, items, last, _, _, count = await database.read_row(page_statement(selection), parameters, costly=True)
    after = None if last is None else encode(sort, last)
    return items or "", count, after if seal is None or after is None else seal.closed(after)


def _words(metric: Metric, column: Column, query: ExplainQuery, point: dict[str, Any]) -> str:
    def value(each: Any) -> str:
        return "unknown" if each in (None, "") else str(each)

    said = [f"{column.title}: {column.description}"]
    at = [
        f"{metric.columns[name].title.lower()} {value(each)}"
        for name, each in point.items()
        if column.narrowed is None or name in column.narrowed
    ]
    if query.since and "since" in metric.filters:
        at.append(f"ordered on {query.since} or later")
    if query.until and "until" in metric.filters:
        at.append(f"ordered on {query.until} or earlier")
    for name in ("segment", "state", "category", "status"):
        chosen = getattr(query, name)
        if chosen is not None and name in metric.filters and name not in point:
            at.append(f"{name} {' or '.join(map(value, chosen))}")
    if at:
        said.append(f"Of: {'; '.join(at)}.")
    said.append(f"Each row adds {_ADDS[str(column.adds)]}.")
    if column.type == "instant":
        said[-1] = "It is when each of these rows is dated."
    elif column.divided_by is not None:
        said.append(f"The sum is divided by {column.divided_by}.")
    elif column.against is not None:
        other = metric.columns[column.against].title
        is_change = column.unit == "change"
        said.append(f"The sum is {'compared with' if is_change else 'divided by'}: {other}.")
    elif column.type == "ratio":
        said.append("The sum is the numerator.")
    if metric.live:
        said.append("What retention has removed stays counted, and has no row.")
    return " ".join(said)


@router.get(
    "/{panel}/explain",
    response_model=shapes.ExplainedFigure,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(ExplainQuery),
)
async def explain(request: Request, panel: Annotated[str, Path(max_length=100)]) -> Response:
    """A figure of a panel in words, the rows that it is the sum of, and the files that hold them."""
    metric, column, rows = _explained(panel, request.query_params.get("column", ""))
    point = _point(metric, column, request.query_params)
    query = _query(request.query_params, point)
    access, database, cache = access_of(request), database_of(request), cache_of(request)
    require_filters(
        access, {name: value for name, value in query.given.items() if name not in point}, but=frozenset(point)
    )
    watermark = None if metric.live else await cache.current_watermark(database)
    if (same := not_modified(request, access, watermark)) is not None:
        return same
    applied = {name: value if name in metric.filters else None for name, value in query.filters.items()}
    values = applied | {f"point_{name}": value for name, value in point.items()} | {"masked": access.masked}
    collection = collection_of(panel, rows, str(column.adds), column.of, of_category=query.category is not None)
    conditions = conditions_of(metric, column, point)
    statement = figure_statement(metric, query.column, collection, conditions, point)
    read_at, value, added, total, files_total, files = await database.read_row(statement, values, costly=True)
    items, request.state.records, after = await _page(database, collection, conditions, query, values)
    following = None if after is None else next_url(request, limit=query.limit, after=after)
    words = _words(metric, column, query, point)
    said = {"panel": panel, "column": query.column, "words": words, "against": column.against}
    head = json.dumps(said, ensure_ascii=False)
    body = (
        f'{head.removesuffix("}")},"value":{value or "null"},"sum":{added},"total":{total},'
        f'"items":[{items}],"files":{files},"files_total":{files_total},"next":{json.dumps(following)}}}'
    )
    return json_response(request, access, body, None if metric.live else read_at)
