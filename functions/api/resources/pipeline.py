"""One nightly load in detail, and the rows that loads have set aside."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal, LiteralString

from fastapi import APIRouter, Path, Request
from psycopg import sql
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from functions.api.answers import Answer, Item, Page
from functions.api.paging.collection import Collection, Sort
from functions.api.paging.cursor import is_storable
from functions.api.paging.parameters import ListQuery, Query, Value
from functions.api.problems import ITEM_PROBLEMS, LIST_PROBLEMS
from functions.api.resources.operations import Run
from functions.api.responses import database_of, list_response, parsed, query_parameters
from functions.api.security.authentication import access_of
from functions.api.security.masking import masked_column
from functions.common.sql_files import read_sql

_NOW = {"Cache-Control": "no-store"}
_RUN = read_sql("api/run.sql").format(file=masked_column("f", "object_key", classified_as="file")).as_bytes(None)
_REASONS = read_sql("api/quarantine_reasons.sql").as_bytes(None)

router = APIRouter(tags=["service"])


class Step(Answer):
    """A step of a run; of one file, or of all."""

    step: str
    file: str | None
    started_at: datetime
    finished_at: datetime
    seconds: float
    rows: int


class RunFile(Answer):
    """A file of a run and what became of its rows; nulls before they are counted."""

    file: str
    status: str
    reason: str | None
    rows_read: int | None
    rows_loaded: int | None
    rows_unchanged: int | None
    rows_duplicate: int | None
    rows_quarantined: int | None


class RunDetails(Run):
    """A nightly load with its steps and files, of each the first thousand."""

    steps: list[Step]
    object_versions: list[RunFile]


class QuarantinedRow(Item):
    """A row that was set aside. What stands in it, `c360 quarantine` shows."""

    quarantine_id: int
    file: str
    run_id: str
    row: Annotated[int, Field(description="1 is the first after the header.")]
    line: Annotated[int, Field(description="The line of the file.")]
    reasons: list[str]
    quarantined_at: datetime
    replayed: Annotated[bool, Field(description="Whether it came again, corrected.")]


class QuarantinePage(Page):
    """Rows that were set aside."""

    items: list[QuarantinedRow]


class Reason(Answer):
    """Why rows were set aside."""

    reason: str
    rows: int
    waiting: Annotated[int, Field(description="Those that nobody has replayed.")]


class Reasons(Answer):
    """All reasons, the most frequent first."""

    items: list[Reason]


class QuarantineQuery(ListQuery):
    """The rows that were set aside."""

    ITEM = QuarantinedRow
    PERSONAL = frozenset({"file"})
    FILTERS: ClassVar[dict[str, LiteralString]] = {
        "run_id": "run_id = %(run_id)s",
        "file": "file = %(file)s",
        "reason": "%(reason)s = any(reasons)",
        "waiting": "replayed <> %(waiting)s",
    }

    sort: Literal["quarantine_id", "-quarantine_id"] = "-quarantine_id"
    run_id: Value | None = None
    file: Value | None = None
    reason: Value | None = None
    waiting: Annotated[bool | None, Field(description="Whether nobody has replayed them.")] = None


_QUARANTINE = Collection(
    QuarantinedRow,
    sql.SQL("({})").format(read_sql("api/quarantine.sql")),
    key=(Sort("quarantine_id", "bigint"),),
)


@router.get("/runs/{run_id}", response_model=RunDetails, responses=ITEM_PROBLEMS)
async def run(request: Request, run_id: Annotated[str, Path(max_length=1000)]) -> Response:
    """A nightly load: what it read, what became of it, and how long each step took."""
    parsed(request, Query)
    values = {"run_id": run_id, "masked": access_of(request).masked}
    rows = await database_of(request).read_rows(_RUN, values) if is_storable(run_id) else []
    if not rows:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no run with this id.")
    return Response(rows[0][0], media_type="application/json", headers=_NOW)


@router.get(
    "/quarantine",
    response_model=QuarantinePage,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(QuarantineQuery),
)
async def quarantine(request: Request) -> Response:
    """The rows that were set aside, the newest first: where they stand and why, not what stands in them."""
    return await list_response(request, _QUARANTINE, QuarantineQuery)


@router.get("/quarantine/reasons", response_model=Reasons, responses=LIST_PROBLEMS)
async def reasons(request: Request) -> Response:
    """Why rows were set aside, and how many wait to come again."""
    parsed(request, Query)
    [reasons] = await database_of(request).read_row(_REASONS)
    return Response(f'{{"items":{reasons}}}', media_type="application/json", headers=_NOW)
