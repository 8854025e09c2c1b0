"""Where a figure comes from: what it counts, in words, the rows behind it, and their files."""

import json
from datetime import date
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Literal, LiteralString

from fastapi import APIRouter, Path, Request
from psycopg import sql
from pydantic import Field, TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.responses import Response

from functions.api.answers import Item
from functions.api.database import Database
from functions.api.errors import BadParameterError
from functions.api.paging.cache import WATERMARK
from functions.api.paging.collection import Collection, Selection, Sort, page_statement
from functions.api.paging.conditional import json_response, not_modified
from functions.api.paging.cursor import decode, encode
from functions.api.paging.filters import FilterQuery, parsed_filters
from functions.api.paging.parameters import Cursor, Limit
from functions.api.paging.sealed import is_hidden, seal_of
from functions.api.problems import ITEM_PROBLEMS
from functions.api.resources import explain_models as shapes
from functions.api.resources.metrics import ARGUMENTS, LAYER, rows_of
from functions.api.responses import cache_of, database_of, next_url, query_parameters
from functions.api.security.authentication import access_of, require_filters
from functions.api.security.masking import masked_column
from functions.common.sql_files import read_sql
from functions.model.metrics import Column, Metric

router = APIRouter(prefix="/metrics", tags=["metrics"])

_KEYS: dict[str, tuple[Sort, ...]] = {
    "lines": (Sort("transaction_id"), Sort("line_number", "bigint"), Sort("product_id")),
    "customers": (Sort("customer_id"),),
    "products": (Sort("product_id"),),
}
_MODELS: dict[str, type[Item]] = {
    "lines": shapes.ExplainedLine,
    "customers": shapes.ExplainedCustomer,
    "products": shapes.ExplainedProduct,
}
_IN_COHORT = (
    "customer_id in (select m.customer_id from business_vault.cohort_months(null, null) as m"
    " where to_char(m.cohort, 'YYYY-MM') = %(point_cohort)s"
    " and m.month = (m.cohort + make_interval(months => %(point_months_later)s::int))::date)"
)
_KNOWN = (
    "customer_id in (select k.customer_id"
    " from business_vault.known_customers(%(segment)s::text[], %(state)s::text[]) as k"
    " where k.known_since <= (select business_vault.last_day(%(until)s::date))"
)
_OF: dict[str, LiteralString] = {
    "total_orders > 0": "total_orders > 0",
    "total_orders > 1": "total_orders > 1",
    "customer_id is null": "customer_id is null",
    "known on the last day": f"{_KNOWN})",
    "known 30 days before": f"{_KNOWN} - 30)",
}
_DAYS = {"30 days": (29, 0), "30 days before": (59, 30)}
"""What is counted -> how many days before the last one it begins and ends; `since` does not move it."""
_POINTS: dict[str, LiteralString] = {
    "order_status": "order_status is not distinct from %(point_order_status)s::text",
    "customer_segment": "customer_segment is not distinct from %(point_customer_segment)s::text",
    "day": "day = %(point_day)s::date",
    "country": "country is not distinct from %(point_country)s::text",
    "state": "state is not distinct from %(point_state)s::text",
    "category": "category is not distinct from %(point_category)s::text",
    "product_id": "product_id = %(point_product_id)s::text",
    "weekday": "weekday = %(point_weekday)s::bigint",
    "hour": "hour = %(point_hour)s::bigint",
    "rfm_label": "rfm_label is not distinct from %(point_rfm_label)s::text",
    "rfm_recency": "rfm_recency is not distinct from %(point_rfm_recency)s::bigint",
    "rfm_frequency": "rfm_frequency is not distinct from %(point_rfm_frequency)s::bigint",
    "rfm_monetary": "rfm_monetary is not distinct from %(point_rfm_monetary)s::bigint",
    "cohort": "cohort = %(point_cohort)s::text",
    "months_later": "months_later = %(point_months_later)s::bigint",
    "month": "month = %(point_month)s::text",
    "from_days": "from_days = %(point_from_days)s::bigint",
    "other_product_id": "other_product_id = %(point_other_product_id)s::text",
}
"""Grain column -> its condition, on rows and on the metric alike (but see _BEHIND)."""
_BOUGHT = "customer_id in (select l.customer_id from business_vault.vw_order_analytics as l where l.product_id = "
_MEAN_GAP = "(last_order_date - first_order_date) / nullif(total_orders - 1, 0)"
_TO_DAYS = (
    "(select b.to_days::int from business_vault.metric_days_between_orders as b"
    " where b.from_days = %(point_from_days)s::bigint)"
)
_BEHIND: dict[str, dict[str, LiteralString]] = {
    "cohort-retention": {"cohort": _IN_COHORT},
    "days-between-orders": {
        "from_days": (
            f"{_MEAN_GAP} >= make_interval(days => %(point_from_days)s::int)"
            f" and coalesce({_MEAN_GAP} < make_interval(days => {_TO_DAYS}), true)"
        )
    },
    "customer-lifetime-value": {},
    "lifetime-value-error": {},
    "product-affinity": {
        "product_id": f"{_BOUGHT}%(point_product_id)s::text)",
        "other_product_id": f"{_BOUGHT}%(point_other_product_id)s::text)",
    },
}
"""Panel -> grain column -> the condition on rows, where the metric's does not do; none where the rows know it."""
_ALL: dict[str, LiteralString] = {
    "cohort-retention": "total_orders > 0",
    "days-between-orders": "total_orders > 1",
    "top-products": "product_id in (select t.product_id from business_vault.metric_top_products(%(since)s::date,"
    " %(until)s::date, %(segment)s::text[], %(state)s::text[], %(category)s::text[], %(status)s::text[]) as t)",
}
"""Panel -> which rows are behind all its marks together, where not all are."""
_OF_ONE = ("cohort-retention", "customer-lifetime-value", "lifetime-value-error", "product-affinity")
"""Panels whose marks share rows: one is explained at a time, cohorts also all together."""

_ADDS = {
    "orders": "1 for the first line of each order, 0 for others",
    "quantity": "its quantity",
    "total_amount": "its amount",
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
_COUNTS = {
    "quantity": sql.SQL("l.quantity"),
    "total_amount": sql.SQL("l.total_amount"),
    "total_orders": sql.SQL("c.total_orders"),
    "lifetime_value": sql.SQL("c.lifetime_value"),
    "gaps": sql.SQL("(c.total_orders - 1)"),
    "gap_days": sql.SQL("(extract(epoch from c.last_order_date - c.first_order_date) / 86400)"),
    "share_of_other": sql.SQL(
        "((select count(distinct l.customer_id) from business_vault.vw_order_analytics as l"
        " where l.product_id = %(point_other_product_id)s::text)::numeric"
        " / (select count(*) from business_vault.vw_customer_360_published as p where p.total_orders > 0))"
    ),
    "1": sql.SQL("1"),
}
_LIVED = {
    "1": sql.SQL("1"),
    "month_revenue": sql.SQL("coalesce(sum(b.revenue), 0)"),
    "month_values": sql.SQL("coalesce(sum(b.revenue / a.customers), 0)"),
}
_MONTHS = sql.SQL("l.months_later {} %(point_months_later)s::bigint")
_FIRST_OF_CATEGORY = sql.SQL(
    "(row_number() over (partition by l.transaction_id order by l.line_number, l.product_id) = 1)::integer"
)
_FIGURE = read_sql("api/explained_figure.sql")


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


def _point(metric: Metric, given: QueryParams) -> dict[str, Any]:
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
    if metric.name in _OF_ONE and missing and (point or metric.name != "cohort-retention"):
        raise BadParameterError(missing[0], f"give {' and '.join(metric.grain)}")
    return point


def _query(given: QueryParams, point: dict[str, Any]) -> ExplainQuery:
    """The other parameters. A grain column that is a filter too is taken for the filter as well."""
    others = [each for each in given.multi_items() if each[0] not in point or each[0] in FilterQuery.model_fields]
    return parsed_filters(QueryParams(others), ExplainQuery)


@cache
def _collection(panel: str, rows: str, adds: str, of: str | None, *, of_category: bool) -> Collection:
    """The rows behind figures to which each adds `adds`; of a category, one line of an order may lack in it."""
    return Collection(
        _MODELS[rows],
        sql.SQL("({})").format(_relation(panel, rows, adds, of, of_category=of_category)),
        key=_KEYS[rows],
        sorts={"counts": Sort("counts", "numeric")},
        mart="mart_customer_360",
    )


def _relation(panel: str, rows: str, adds: str, of: str | None, *, of_category: bool) -> sql.Composable:
    if panel == "customer-lifetime-value":
        months = _MONTHS.format(sql.SQL("<=" if adds == "month_values" else "="))
        return read_sql("api/explained_lifetime.sql").format(counts=_LIVED[adds], months=months)
    if panel == "lifetime-value-error":
        return read_sql(f"api/explained_{'prediction' if adds == 'month_prediction' else 'held_back'}.sql")
    if adds == "orders":
        counts = _FIRST_OF_CATEGORY if of_category else sql.SQL("l.is_first_line::integer")
    else:
        counts = _COUNTS[adds]
    filters = {"filters": _days_before(*_DAYS[of]) if of in _DAYS else ARGUMENTS} if rows == "lines" else {}
    return read_sql(f"api/explained_{rows}.sql").format(counts=counts, **filters)


def _days_before(first: int, last: int) -> sql.Composable:
    """ARGUMENTS, but for days that end with the last one."""
    day = sql.SQL("(select business_vault.last_day(%(until)s::date)) - {}")
    others = sql.SQL("%(segment)s::text[], %(state)s::text[], %(category)s::text[], %(status)s::text[]")
    return sql.SQL(", ").join([day.format(first), day.format(last), others])


def _conditions(metric: Metric, column: Column, point: dict[str, Any]) -> tuple[LiteralString, ...]:
    known = _BEHIND.get(metric.name, _POINTS)
    narrowed = point if column.narrowed is None else column.narrowed
    conditions = [known[name] for name in narrowed if name in known]
    if not point and metric.name in _ALL:
        conditions.append(_ALL[metric.name])
    if column.of is not None and column.of not in _DAYS:
        conditions.append(_OF[column.of])
    return tuple(conditions)


def _figure_statement(
    metric: Metric, name: str, collection: Collection, conditions: tuple[LiteralString, ...], point: dict[str, Any]
) -> bytes:
    is_amount = metric.columns[name].type == "amount"
    figure = sql.Identifier(name)
    return _FIGURE.format(
        rows=collection.relation,
        file=masked_column("file"),
        condition=sql.SQL(" and ").join([sql.SQL("true"), *map(sql.SQL, conditions)]),
        watermark=WATERMARK,
        figure=sql.SQL("business_vault.amount({})").format(figure) if is_amount else figure,
        metric=rows_of(metric),
        point=sql.SQL(" and ").join([sql.SQL("true"), *(sql.SQL(_POINTS[each]) for each in point)]),
        shown=sql.SQL("business_vault.amount(sum)" if is_amount else "trim_scale(sum)"),
    ).as_bytes(None)


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
    if column.against is not None:
        other = metric.columns[column.against].title
        is_change = column.unit == "change"
        said.append(f"The sum is {'compared with' if is_change else 'divided by'}: {other}.")
    elif column.type == "ratio":
        said.append("The sum is the numerator.")
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
    point = _point(metric, request.query_params)
    query = _query(request.query_params, point)
    access, database, cache = access_of(request), database_of(request), cache_of(request)
    require_filters(
        access, {name: value for name, value in query.given.items() if name not in point}, but=frozenset(point)
    )
    watermark = await cache.current_watermark(database)
    if (same := not_modified(request, access, watermark)) is not None:
        return same
    applied = {name: value if name in metric.filters else None for name, value in query.filters.items()}
    values = applied | {f"point_{name}": value for name, value in point.items()} | {"masked": access.masked}
    collection = _collection(panel, rows, str(column.adds), column.of, of_category=query.category is not None)
    conditions = _conditions(metric, column, point)
    statement = _figure_statement(metric, query.column, collection, conditions, point)
    watermark, value, added, total, files_total, files = await database.read_row(statement, values, costly=True)
    items, request.state.records, after = await _page(database, collection, conditions, query, values)
    following = None if after is None else next_url(request, limit=query.limit, after=after)
    words = _words(metric, column, query, point)
    said = {"panel": panel, "column": query.column, "words": words, "against": column.against}
    head = json.dumps(said, ensure_ascii=False)
    body = (
        f'{head.removesuffix("}")},"value":{value or "null"},"sum":{added},"total":{total},'
        f'"items":[{items}],"files":{files},"files_total":{files_total},"next":{json.dumps(following)}}}'
    )
    return json_response(request, access, body, watermark)
