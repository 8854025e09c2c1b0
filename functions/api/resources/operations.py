"""What the service says about itself: is it alive and ready, what ran, what was checked."""

from datetime import datetime
from decimal import Decimal
from functools import cache
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal, LiteralString

from fastapi import APIRouter, Request
from psycopg import sql
from pydantic import Field, WithJsonSchema
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from functions.api.answers import Answer, Item, Page
from functions.api.paging.collection import Collection, Sort
from functions.api.paging.parameters import ListQuery, Query, Value
from functions.api.plain_route import PlainRoute
from functions.api.problems import LIST_PROBLEMS, RETRY_AFTER_SECONDS, documented
from functions.api.responses import database_of, list_response, parsed, query_parameters
from functions.common.sql_files import SQL_FOLDER, read_sql

router = APIRouter(tags=["service"], route_class=PlainRoute)


class Health(Answer):
    """The process answers; says nothing about the database."""

    status: Annotated[str, Field(examples=["ok"])]


class Run(Item):
    """A nightly load."""

    run_id: str
    status: Annotated[str, Field(description="RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.")]
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None
    sla_seconds: Annotated[float, Field(description="How long a run may take.")]
    within_sla: Annotated[bool | None, Field(description="Whether it took no longer; null while it runs.")]
    error: Annotated[str | None, Field(description="What made it fail, as its class's name.")]
    files: int
    rows_read: int
    rows_loaded: int
    rows_unchanged: int
    rows_duplicate: int
    rows_quarantined: int


class Runs(Page):
    """Nightly loads."""

    items: list[Run]


class Check(Item):
    """The outcome of a quality rule in a run."""

    run_id: str
    stage: str
    rule: str
    severity: str
    passed: bool
    observed: str
    checked_at: datetime
    source: str | None
    measured: Annotated[Decimal | None, WithJsonSchema({"type": "number"})]
    threshold: Annotated[str | None, Field(description="The limit in force at that run.")]


class Quality(Page):
    """Outcomes of quality rules."""

    items: list[Check]


class Readiness(Answer):
    """The database answers, has the schema that this software expects, and holds data of this age."""

    status: str
    published_at: Annotated[datetime | None, Field(description="When the marts were published; null before that.")]
    data_age_seconds: float | None


class RunsQuery(ListQuery):
    """The nightly loads."""

    ITEM = Run
    FILTERS: ClassVar[dict[str, LiteralString]] = {"status": "status = %(status)s"}

    sort: Literal["started_at", "-started_at"] = "-started_at"
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"] | None = None


class QualityQuery(ListQuery):
    """Outcomes of quality rules."""

    ITEM = Check
    FILTERS: ClassVar[dict[str, LiteralString]] = {
        "run_id": "run_id = %(run_id)s",
        "rule": "rule = %(rule)s",
        "stage": "stage = %(stage)s",
        "passed": "passed = %(passed)s",
        "latest": "(not %(latest)s or run_id = ("
        "select run_id from metadata.quality_result order by checked_at desc, run_id limit 1))",
    }

    sort: Literal["checked_at", "-checked_at"] = "-checked_at"
    run_id: Value | None = None
    rule: Value | None = None
    stage: Value | None = None
    passed: bool | None = None
    latest: Annotated[bool | None, Field(description="Only the last checked run.")] = None


_RUNS = Collection(
    Run,
    sql.SQL("({})").format(read_sql("api/runs.sql")),
    key=(Sort("run_id"),),
    sorts={"started_at": Sort("started_at", "timestamptz")},
)
_QUALITY = Collection(
    Check,
    sql.Identifier("metadata", "quality_result"),
    key=(Sort("run_id"), Sort("stage"), Sort("rule")),
    sorts={"checked_at": Sort("checked_at", "timestamptz")},
)
_READY = read_sql("api/ready.sql").as_bytes(None)


@cache
def _newest_migration() -> int:
    return max(int(file.name[:4]) for file in (SQL_FOLDER / "migrations").glob("[0-9]*.sql"))


@router.get("/runs", response_model=Runs, responses=LIST_PROBLEMS, openapi_extra=query_parameters(RunsQuery))
async def runs(request: Request) -> Response:
    """The nightly loads, the newest first, with what became of their rows."""
    return await list_response(request, _RUNS, RunsQuery)


@router.get(
    "/quality",
    response_model=Quality,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(QualityQuery),
)
async def quality(request: Request) -> Response:
    """Results of the quality checks, the newest first; `latest=true` for the last checked run only."""
    return await list_response(request, _QUALITY, QualityQuery)


@router.get(
    "/readyz",
    response_model=Readiness,
    responses=documented(
        HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE
    ),
)
async def readyz(request: Request) -> Response:
    """Whether requests can be answered now: the database is there and migrated; and how old its data are.

    It wakes a database that pauses when nobody uses it; only there it asks for a key or token as other paths do.
    """
    parsed(request, Query)
    version, body = await database_of(request).read_row(_READY)
    if version < _newest_migration():
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The database is being set up: its schema is older than this software.",
            {"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/healthz", response_model=Health, responses=documented(HTTPStatus.UNPROCESSABLE_ENTITY))
async def healthz(request: Request) -> Response:
    """Whether the process answers; the database is not asked."""
    parsed(request, Query)
    return JSONResponse({"status": "ok"})
