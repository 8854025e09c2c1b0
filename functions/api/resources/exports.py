"""A panel as CSV, for spreadsheets."""

import csv
import io
import json
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from functions.api.paging.conditional import json_response, not_modified
from functions.api.paging.filters import FilterQuery, parsed_filters
from functions.api.problems import ITEM_PROBLEMS
from functions.api.resources.metrics import LAYER, PANELS, REPORTING, read_panels
from functions.api.responses import cache_of, database_of, query_parameters
from functions.api.security.authentication import access_of, require_filters
from functions.model.metrics import Metric

_CSV = {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The rows, after a header."}
_BYTE_ORDER_MARK = "\ufeff"
"""Without it spreadsheets take the text for another encoding."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

router = APIRouter(prefix="/metrics", tags=["metrics"])


@router.get(
    "/{panel}/csv",
    response_class=Response,
    responses=ITEM_PROBLEMS | {200: _CSV},
    openapi_extra=query_parameters(FilterQuery),
)
async def panel_as_csv(request: Request, panel: Annotated[str, Path(max_length=100)]) -> Response:
    """The rows of a panel, times in the reporting time zone; texts that a spreadsheet would compute are quoted."""
    metric = LAYER.metrics.get(panel)
    if metric is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such panel; see /metrics/catalogue.")
    query = parsed_filters(request.query_params, FilterQuery)
    access = access_of(request)
    require_filters(access, query.given)
    chosen = [PANELS[panel], REPORTING]
    watermark, bodies = await read_panels(database_of(request), cache_of(request), chosen, query.filters)
    version = bodies[panel] if metric.live else watermark
    if (same := not_modified(request, access, version)) is not None:
        return same
    text = as_csv(metric, bodies[panel], ZoneInfo(json.loads(bodies[REPORTING.name])["time_zone"]))
    answer = json_response(request, access, text, version)
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{panel}.csv"'
    return answer


def as_csv(metric: Metric, body: str, zone: ZoneInfo) -> str:
    """The answer of `/metrics/{panel}` as CSV (RFC 4180), numbers digit for digit."""
    answer: dict[str, Any] = json.loads(body, parse_float=str, parse_int=str)
    rows = [answer] if metric.shape == "object" else answer["items"]
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(metric.columns)
    writer.writerows([_cell(column.type, row[name], zone) for name, column in metric.columns.items()] for row in rows)
    return _BYTE_ORDER_MARK + text.getvalue()


def _cell(kind: str, value: str | None, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if kind == "instant":
        return datetime.fromisoformat(value).astimezone(zone).isoformat()
    return f"'{value}" if kind == "text" and value.startswith(_FORMULA) else value
