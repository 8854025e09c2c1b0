"""The figures that a dashboard draws, one by one or all in one request, as sql/metrics.yaml declares them."""

import asyncio
import json
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any

from fastapi import APIRouter, Request
from psycopg import sql
from pydantic import Field, field_validator
from starlette.responses import Response

from functions.api.answers import Answer
from functions.api.database import Database
from functions.api.paging.cache import WATERMARK, Cache
from functions.api.paging.collection import columns
from functions.api.paging.conditional import json_response, not_modified
from functions.api.paging.filters import FilterQuery, parsed_filters
from functions.api.paging.parameters import Instant, Query
from functions.api.problems import LIST_PROBLEMS
from functions.api.resources import metric_models as shapes
from functions.api.responses import cache_of, database_of, parsed, query_parameters
from functions.api.security.authentication import access_of, require_filters
from functions.common.sql_files import read_sql
from functions.model.metrics import FILTERS, Metric, load_metrics

_SERIES = sql.SQL("""
select
    ({watermark}),
    (
        select '{{"items":[' || coalesce(string_agg(row_to_json(point)::text, ','), '') || ']}}'
        from (select {columns} from {rows} as point) as point
    )
""")
_OBJECT = sql.SQL("""
select
    ({watermark}),
    (select row_to_json(figures)::text from (select {columns} from {rows} as figures) as figures)
""")
ARGUMENTS = sql.SQL(
    "%(since)s::date, %(until)s::date, %(segment)s::text[], %(state)s::text[], %(category)s::text[], %(status)s::text[]"
)
"""The filters, as arguments of the metrics' functions."""

LAYER = load_metrics()
UNFILTERED: dict[str, Any] = dict.fromkeys(FILTERS)

router = APIRouter(prefix="/metrics", tags=["metrics"])


@dataclass(frozen=True)
class Panel:
    """`statement` returns the watermark and the answer's JSON. A live one changes whenever it likes."""

    name: str
    statement: bytes
    model: type[Answer]
    filters: tuple[str, ...] = ()
    live: bool = False


def rows_of(metric: Metric) -> sql.Composable:
    """What stands after FROM for the rows of a metric: the view, or the function with the filters as parameters."""
    name = sql.Identifier("business_vault", metric.relation)
    return sql.SQL("{}({})").format(name, ARGUMENTS) if metric.filters else name


def _panel(metric: Metric) -> Panel:
    model = shapes.row_model(metric)
    template = _SERIES if metric.shape == "series" else _OBJECT
    text = template.format(watermark=WATERMARK, columns=columns(model, masked=False), rows=rows_of(metric))
    answer = shapes.Series[model] if metric.shape == "series" else model  # type: ignore[valid-type]
    return Panel(metric.name, text.as_bytes(None), answer, metric.filters, metric.live)


_OPTIONS = Panel(
    "filter-options",
    _OBJECT.format(
        watermark=WATERMARK,
        columns=columns(shapes.FilterOptions, masked=False),
        rows=sql.SQL("({})").format(read_sql("api/filter_options.sql")),
    ).as_bytes(None),
    shapes.FilterOptions,
)
REPORTING = Panel(
    "reporting",
    sql.SQL("select ({}), ({})").format(WATERMARK, read_sql("api/reporting.sql")).as_bytes(None),
    Answer,
)
PANELS = {panel.name: panel for panel in (*map(_panel, LAYER.metrics.values()), _OPTIONS)}


class PanelsQuery(FilterQuery):
    """Which figures, of what."""

    panels: Annotated[
        str | None, Field(max_length=1000, description="Names of panels, comma-separated; all by default.")
    ] = None

    @field_validator("panels")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and set(value.split(",")) - PANELS.keys():
            raise ValueError(f"there are {', '.join(PANELS)}")
        return value

    @property
    def chosen(self) -> list[Panel]:
        """The panels, each once."""
        return [PANELS[name] for name in dict.fromkeys(self.panels.split(","))] if self.panels else [*PANELS.values()]


class RevenueByDayQuery(FilterQuery):
    """A period of days; `ordered_from` and `ordered_before` are its older names, of instants."""

    ordered_from: Annotated[
        Instant | None, Field(description="Ordered on the day of this instant or later; `since` is the same of a day.")
    ] = None
    ordered_before: Annotated[Instant | None, Field(description="Ordered on a day before this instant.")] = None


async def _read(
    database: Database, cache: Cache, panel: Panel, filters: dict[str, Any], watermark: str | None
) -> tuple[str | None, str]:
    """The panel's watermark and JSON; from the cache where it has them under `watermark`."""
    applied: dict[str, Any] = {name: filters[name] if name in panel.filters else None for name in FILTERS}
    key = (panel.name, *map(str, applied.values()))
    if not panel.live and (known := cache.get(key, watermark)) is not None:
        return watermark, known
    read_at, body = await database.read_row(panel.statement, applied)
    if not panel.live:
        cache.put(key, body, read_at, size=2 * len(body))
    return read_at, body


async def read_panels(
    database: Database, cache: Cache, panels: list[Panel], filters: dict[str, Any]
) -> tuple[str | None, dict[str, str]]:
    """The JSON of all these panels, of one publication of the marts, and its watermark."""
    watermark = await cache.current_watermark(database)
    while True:
        read = await asyncio.gather(*(_read(database, cache, panel, filters, watermark) for panel in panels))
        if {read_at for read_at, _ in read} <= {watermark}:
            return watermark, {panel.name: body for panel, (_, body) in zip(panels, read, strict=True)}
        watermark = await cache.current_watermark(database)  # published while we read


async def _read_live(database: Database, cache: Cache, names: tuple[str, ...]) -> tuple[str | None, dict[str, str]]:
    """The watermark and the JSON of these live panels, by one statement."""
    if not names:
        return await cache.current_watermark(database), {}
    read = await database.read_row(_of_live(names), UNFILTERED)
    return read[0], dict(zip(names, read[1::2], strict=True))


@lru_cache(maxsize=64)
def _of_live(names: tuple[str, ...]) -> bytes:
    panels = [b"(%b) as p%d (watermark, body)" % (PANELS[name].statement, n) for n, name in enumerate(names)]
    return b"select * from " + b" cross join ".join(panels)


@router.get(
    "",
    response_model=shapes.Panels,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(PanelsQuery),
)
async def all_panels(request: Request) -> Response:
    """The figures of several panels at once, all of one publication: what a dashboard asks for again and again."""
    query = parsed_filters(request.query_params, PanelsQuery)
    access, database, cache = access_of(request), database_of(request), cache_of(request)
    require_filters(access, query.given)
    watermark, bodies = await _read_live(database, cache, tuple(panel.name for panel in query.chosen if panel.live))
    digest = blake2b(json.dumps(bodies, sort_keys=True).encode(), digest_size=12).hexdigest()
    if (same := not_modified(request, access, f"{watermark} {digest}")) is not None:
        return same
    still = [panel for panel in query.chosen if not panel.live]
    watermark, others = await read_panels(database, cache, [*still, REPORTING], query.filters)
    bodies |= others
    reporting = bodies[REPORTING.name].removesuffix("}")
    panels = ",".join(f"{json.dumps(panel.name)}:{bodies[panel.name]}" for panel in query.chosen)
    return json_response(request, access, f'{reporting},"panels":{{{panels}}}}}', f"{watermark} {digest}")


@router.get("/catalogue", response_model=shapes.Catalogue, responses=LIST_PROBLEMS)
async def catalogue(request: Request) -> Response:
    """What every figure means: in words, its unit and grain, the filters that apply, and the chart that suits it."""
    parsed(request, Query)
    return not_modified(request, access_of(request), _CATALOGUE) or json_response(
        request, access_of(request), _CATALOGUE, _CATALOGUE
    )


def _catalogue() -> str:
    entries = [
        shapes.CatalogueEntry(
            **metric.model_dump(include={"name", "title", "description", "shape", "unit", "chart", "live", "explains"}),
            grain=list(metric.grain),
            filters=list(metric.filters),
            view=metric.view,
            columns=[
                shapes.CatalogueColumn(
                    name=name,
                    **column.model_dump(include={"title", "unit", "description", "optional", "against", "detail"}),
                    explains=metric.explained_by(name),
                )
                for name, column in metric.columns.items()
            ],
        )
        for metric in LAYER.metrics.values()
    ]
    return shapes.Catalogue(time_zone=LAYER.time_zone, currency=LAYER.currency, items=entries).model_dump_json()


_CATALOGUE = _catalogue()


async def _answer(request: Request, panel: Panel) -> Response:
    model = RevenueByDayQuery if panel.name == "revenue-by-day" else FilterQuery
    query = parsed_filters(request.query_params, model)
    access, database, cache = access_of(request), database_of(request), cache_of(request)
    require_filters(access, query.given)
    filters = query.filters
    if isinstance(query, RevenueByDayQuery):
        filters |= await _days(database, query)
    if not panel.live:
        watermark = await cache.current_watermark(database)
        if (same := not_modified(request, access, watermark)) is not None:
            return same
    watermark, bodies = await read_panels(database, cache, [panel], filters)
    body = bodies[panel.name]
    version = body if panel.live else watermark
    return not_modified(request, access, version) or json_response(request, access, body, version)


async def _days(database: Database, query: RevenueByDayQuery) -> dict[str, Any]:
    """The days, in the reporting time zone, that the older names of the period mean."""
    if query.ordered_from is None and query.ordered_before is None:
        return {}
    since, until = await database.read_row(
        b"select (%(first)s::timestamptz at time zone time_zone)::date,"
        b" (%(end)s::timestamptz at time zone time_zone - interval '1 microsecond')::date"
        b" from business_vault.vw_reporting",
        {"first": query.ordered_from, "end": query.ordered_before},
    )
    return {"since": query.since or since, "until": query.until or until}


def _add_route(panel: Panel, summary: str) -> None:
    async def figures(request: Request) -> Response:
        return await _answer(request, panel)

    query = RevenueByDayQuery if panel.name == "revenue-by-day" else FilterQuery
    router.add_api_route(
        f"/{panel.name}",
        figures,
        name=panel.name.replace("-", "_"),
        description=summary,
        response_model=panel.model,
        responses=LIST_PROBLEMS,
        openapi_extra=query_parameters(query),
    )


for each in PANELS.values():
    declared = LAYER.metrics.get(each.name)
    _add_route(each, declared.description if declared else "What can be filtered by.")
