"""Which rows are behind a figure: the relation that holds them, what each adds, and the conditions that choose them."""

from functools import cache
from typing import Any, LiteralString

from psycopg import sql

from functions.api.answers import Item
from functions.api.paging.cache import WATERMARK
from functions.api.paging.collection import Collection, Sort
from functions.api.resources import explain_models as shapes
from functions.api.resources.metrics import ARGUMENTS, rows_of
from functions.api.security.masking import masked_column
from functions.common.sql_files import read_sql
from functions.model.metrics import Column, Metric

_KEYS: dict[str, tuple[Sort, ...]] = {
    "lines": (Sort("transaction_id"), Sort("line_number", "bigint"), Sort("product_id")),
    "customers": (Sort("customer_id"),),
    "products": (Sort("product_id"),),
    "events": (Sort("occurred_at", "timestamptz"), Sort("event_id")),
}
_MODELS: dict[str, type[Item]] = {
    "lines": shapes.ExplainedLine,
    "customers": shapes.ExplainedCustomer,
    "products": shapes.ExplainedProduct,
    "events": shapes.ExplainedEvent,
}
_IN_COHORT = (
    "customer_id in (select m.customer_id from business_vault.cohort_months(null, null) as m"
    " where to_char(m.cohort, 'YYYY-MM') = %(point_cohort)s"
)
_KNOWN = (
    "customer_id in (select k.customer_id"
    " from business_vault.known_customers(%(segment)s::text[], %(state)s::text[]) as k"
    " where k.known_since <= (select business_vault.last_day(%(until)s::date))"
)
_DATED = (
    "order_date = (select {}(f.order_date) from business_vault.sale_lines(%(since)s::date, %(until)s::date,"
    " %(segment)s::text[], %(state)s::text[], %(category)s::text[], %(status)s::text[]) as f)"
)
_OF: dict[str, LiteralString] = {
    "total_orders > 0": "total_orders > 0",
    "total_orders > 1": "total_orders > 1",
    "customer_id is null": "customer_id is null",
    "known on the last day": f"{_KNOWN})",
    "known 30 days before": f"{_KNOWN} - 30)",
    "first": _DATED.format("min"),
    "last": _DATED.format("max"),
    "last of its type": "occurred_at = (select max(t.last_event_time) from business_vault.event_total as t"
    " where t.event_type = %(point_event_type)s::text)",
    # as metrics/live_totals.sql has it; of several events at one instant, one
    "last of who is active": "occurred_at > now() - interval '5 minutes' and event_id in"
    " (select distinct on (a.customer_id) e.event_id from business_vault.live_activity as a"
    " join raw_vault.link_customer_event as e"
    " on e.customer_hash_key = a.customer_hash_key and e.occurred_at = a.last_seen_at"
    " where a.last_seen_at > now() - interval '5 minutes' and a.last_seen_at <= now() + interval '1 minute'"
    " and e.occurred_at > now() - interval '5 minutes' order by a.customer_id, e.event_type desc, e.event_id)",
}
_LAST_DAY = "(select business_vault.last_day(%(until)s::date))"
_DAYS: dict[str, tuple[LiteralString, int, int]] = {
    "30 days": (_LAST_DAY, 29, 0),
    "30 days before": (_LAST_DAY, 59, 30),
    "7 days": ("%(point_day)s::date", 6, 0),
}
"""What is counted -> a day, and how many days before it that begins and ends; `since` does not move it."""
POINTS: dict[str, LiteralString] = {
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
    "event_type": "event_type = %(point_event_type)s::text",
}
"""Grain column -> its condition, on rows and on the metric alike (but see _BEHIND)."""
_BOUGHT = "customer_id in (select l.customer_id from business_vault.vw_order_analytics as l where l.product_id = "
_MEAN_GAP = "(last_order_date - first_order_date) / nullif(total_orders - 1, 0)"
_TO_DAYS = (
    "(select b.to_days::int from business_vault.metric_days_between_orders as b"
    " where b.from_days = %(point_from_days)s::bigint)"
)
_BEHIND: dict[str, dict[str, LiteralString]] = {
    "cohort-retention": {
        "cohort": f"{_IN_COHORT})",
        "months_later": (
            f"{_IN_COHORT} and m.month = (m.cohort + make_interval(months => %(point_months_later)s::int))::date)"
        ),
    },
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
_OF_ONE = ("customer-lifetime-value", "lifetime-value-error", "product-affinity")
"""Panels whose marks share rows: one is explained at a time."""
_PARTS_OF_ONE = ("7 days", "last of its type")
"""What is counted of one mark only."""

_COUNTS = {
    "quantity": sql.SQL("l.quantity"),
    "total_amount": sql.SQL("l.total_amount"),
    "total_orders": sql.SQL("c.total_orders"),
    "lifetime_value": sql.SQL("c.lifetime_value"),
    "purchase_amount": sql.SQL("case when e.event_type = 'purchase' then coalesce(e.amount, 0) else 0 end"),
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


def needs_whole_point(metric: Metric, column: Column) -> bool:
    """Whether one mark is explained at a time, and not all of the panel together."""
    return metric.name in _OF_ONE or column.of in _PARTS_OF_ONE


@cache
def collection_of(panel: str, rows: str, adds: str, of: str | None, *, of_category: bool) -> Collection:
    """The rows behind figures to which each adds `adds`; of a category, one line of an order may lack in it."""
    return Collection(
        _MODELS[rows],
        sql.SQL("({})").format(_relation(panel, rows, adds, of, of_category=of_category)),
        key=_KEYS[rows],
        sorts={"counts": Sort("counts", "numeric")},
        mart=None if rows == "events" else "mart_customer_360",
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


def _days_before(day: LiteralString, first: int, last: int) -> sql.Composable:
    """ARGUMENTS, but for these days."""
    others = sql.SQL("%(segment)s::text[], %(state)s::text[], %(category)s::text[], %(status)s::text[]")
    return sql.SQL(", ").join([*(sql.SQL(day + " - {}").format(age) for age in (first, last)), others])


def conditions_of(metric: Metric, column: Column, point: dict[str, Any]) -> tuple[LiteralString, ...]:
    """What chooses the rows of the collection: those of the mark, and of them those that the column counts."""
    known = {} if column.of == "7 days" else _BEHIND.get(metric.name, POINTS)
    narrows = set(point) if column.narrowed is None else set(column.narrowed)
    conditions = [known[name] for name in point if name in known and name in narrows]
    if not point and metric.name in _ALL:
        conditions.append(_ALL[metric.name])
    if column.of is not None and column.of not in _DAYS:
        conditions.append(_OF[column.of])
    return tuple(conditions)


def figure_statement(
    metric: Metric, name: str, collection: Collection, conditions: tuple[LiteralString, ...], point: dict[str, Any]
) -> bytes:
    """The statement that returns one row: watermark, figure, the rows' sum, their number, that of files, and files."""
    is_amount = metric.columns[name].type == "amount"
    figure = sql.Identifier(name)
    return _FIGURE.format(
        rows=collection.relation,
        file=masked_column("file"),
        condition=sql.SQL(" and ").join([sql.SQL("true"), *map(sql.SQL, conditions)]),
        watermark=WATERMARK,
        figure=sql.SQL("business_vault.amount({})").format(figure) if is_amount else figure,
        metric=rows_of(metric),
        point=sql.SQL(" and ").join([sql.SQL("true"), *(sql.SQL(POINTS[each]) for each in point)]),
        shown=sql.SQL("business_vault.amount(sum)" if is_amount else "trim_scale(sum)"),
    ).as_bytes(None)
