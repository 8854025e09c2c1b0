"""What the service says about itself: is it ready, what ran, what was checked."""

from functools import cache
from http import HTTPStatus

from fastapi import APIRouter, Request
from psycopg import sql
from starlette.exceptions import HTTPException
from starlette.responses import Response

from functions.api.paging.collection import Listing, Sort
from functions.api.paging.parameters import Query
from functions.api.problems import RETRY_AFTER_SECONDS, documented
from functions.api.resources import operations_models as service_models
from functions.api.resources.route_parameters import QualityQuery, RunsQuery
from functions.api.resources.routes import LIST_PROBLEMS
from functions.api.responses import database_of, list_response, parsed, query_parameters
from functions.api.statements import FOLDER, read_sql

_RUNS = Listing(
    service_models.Run,
    sql.SQL("({})").format(read_sql("runs.sql")),
    key=(Sort("run_id"),),
    sorts={"started_at": Sort("started_at", "timestamptz")},
)
_QUALITY = Listing(
    service_models.Check,
    sql.Identifier("metadata", "quality_result"),
    key=(Sort("run_id"), Sort("stage"), Sort("rule")),
    sorts={"checked_at": Sort("checked_at", "timestamptz")},
)
_READY = read_sql("ready.sql").as_bytes(None)

router = APIRouter(tags=["service"])


@cache
def _newest_migration() -> int:
    return max(int(file.name[:4]) for file in (FOLDER.parent / "migrations").glob("[0-9]*.sql"))


@router.get(
    "/runs", response_model=service_models.Runs, responses=LIST_PROBLEMS, openapi_extra=query_parameters(RunsQuery)
)
async def runs(request: Request) -> Response:
    """The nightly loads, the newest first, with what became of their rows."""
    return await list_response(request, _RUNS, RunsQuery)


@router.get(
    "/quality",
    response_model=service_models.Quality,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(QualityQuery),
)
async def quality(request: Request) -> Response:
    """What the quality rules found, the newest first; `latest=true` for the last checked run only."""
    return await list_response(request, _QUALITY, QualityQuery)


@router.get(
    "/readyz",
    response_model=service_models.Readiness,
    responses=documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)
async def readyz(request: Request) -> Response:
    """Whether requests can be answered now: the database is there and migrated; and how old its data are."""
    parsed(request, Query)
    version, body = await database_of(request).read_row(_READY)
    if version < _newest_migration():
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database is being set up: its schema is older than this software.",
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
