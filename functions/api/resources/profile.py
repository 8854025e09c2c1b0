"""What is known of one customer: timeline, history, and where each field comes from.

It is read from the vault as it is now, not as it was published: what a load brings in shows as soon as it is there.
"""

import json
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, LiteralString

from fastapi import APIRouter, Request
from psycopg import sql
from pydantic import Field
from starlette.responses import Response

from functions.api.answers import Answer, Item, Money, Page
from functions.api.paging.collection import Collection, Sort
from functions.api.paging.conditional import json_response
from functions.api.paging.cursor import is_storable
from functions.api.paging.parameters import ListQuery, Query
from functions.api.plain_route import PlainRoute
from functions.api.problems import ITEM_PROBLEMS
from functions.api.responses import (
    CustomerId,
    database_of,
    list_response,
    parsed,
    query_parameters,
    unknown_customer,
)
from functions.api.security.authentication import access_of
from functions.api.security.masking import masked_column, masked_value
from functions.common.sql_files import read_sql

router = APIRouter(prefix="/customers/{customer_id:key}", tags=["profile"], route_class=PlainRoute)


_FILE = Field(description="Key of the file in the landing zone.", examples=["landing/customers/dt=2026-10-31/c.csv"])
_ROW = Field(description="The file's row that says so; 1 is the first after the header.", examples=[42])
_LINE = Field(
    description="The file's line, 1 the header; null where lines and rows do not go in step, as with cells of two"
    " lines."
)


class Change(Answer):
    """An attribute that a file has changed."""

    field: Annotated[str, Field(examples=["city"])]
    before: Annotated[str | None, Field(examples=["Berlin"])]
    after: Annotated[str | None, Field(examples=["Hamburg"])]


class OrderEntry(Answer):
    """An order of the customer's."""

    transaction_id: str
    order_status: str | None
    lines: int
    total_amount: Money


class ProfileEntry(Answer):
    """What was said of the customer for the first time, or differently than before."""

    changes: list[Change]


class StatusEntry(Answer):
    """The customer vanished from a complete list, or came back to it."""

    is_deleted: bool


class EventEntry(Answer):
    """Something that the customer did on the website."""

    event_type: str
    product_id: str | None
    amount: Money | None
    session_id: str | None


class TimelineEntry(Item):
    """Something that happened to or with a customer."""

    at: datetime
    kind: Literal["order", "profile", "status", "event"]
    id: Annotated[str, Field(description="Names the entry among those of its kind and instant.")]
    data: OrderEntry | ProfileEntry | StatusEntry | EventEntry


class Timeline(Page):
    """A customer's timeline."""

    items: list[TimelineEntry]


class CustomerVersion(Item):
    """A customer's attributes from `effective_at` until `ended_at`, and where they come from."""

    version: Annotated[int, Field(description="1 is the oldest.", examples=[1])]
    effective_at: datetime
    ended_at: Annotated[datetime | None, Field(description="When the next version began; null for the last one.")]
    loaded_at: Annotated[datetime, Field(description="Since when this is known.")]
    file: Annotated[str, _FILE]
    row: Annotated[int, _ROW]
    line: Annotated[int | None, _LINE]
    run_id: str
    first_name: str | None
    last_name: str | None
    email: str | None
    phone: str | None
    country: str | None
    state: str | None
    city: str | None
    customer_segment: str | None
    signup_date: date | None


class History(Page):
    """A customer's versions."""

    items: list[CustomerVersion]


class ExplainedField(Answer):
    """A field of the profile and where its value comes from.

    A stated value comes from the row that first said it without being contradicted since; a computed one follows
    `rule`, over all order lines, when the marts were published.
    """

    field: Annotated[str, Field(examples=["city"])]
    value: Annotated[str | None, Field(description="As text, amounts exact.", examples=["Hamburg"])]
    origin: Literal["stated", "computed"]
    rule: Annotated[str | None, Field(examples=["orders, not order lines"])]
    file: Annotated[str | None, _FILE]
    row: Annotated[int | None, _ROW]
    line: Annotated[int | None, _LINE]
    run_id: str | None
    effective_at: datetime | None
    loaded_at: datetime | None


class Explanation(Answer):
    """Each field of a customer's profile with its origin."""

    customer_id: str
    fields: list[ExplainedField]


class TimelineQuery(ListQuery):
    """A customer's timeline."""

    ITEM = TimelineEntry
    FILTERS: ClassVar[dict[str, LiteralString]] = {"kind": "kind = %(kind)s"}

    sort: Literal["at", "-at"] = "-at"
    kind: Literal["order", "profile", "status", "event"] | None = None


class HistoryQuery(ListQuery):
    """A customer's versions."""

    ITEM = CustomerVersion
    FILTERS: ClassVar[dict[str, LiteralString]] = {}

    sort: Literal["version", "-version"] = "version"


_EXISTS = (
    "exists (select from raw_vault.hub_customer where customer_id = %(customer_id)s"
    " and record_source not in (select object_id from metadata.uncounted_object))"
    " or exists (select from business_vault.vw_customer_360 where customer_id = %(customer_id)s)"
)


def _of_customer(file: str, **parts: Any) -> sql.Composable:
    return read_sql(f"api/{file}").format(stated=read_sql("api/stated.sql"), **parts)


HISTORY = Collection(
    CustomerVersion,
    sql.SQL("({})").format(_of_customer("history.sql")),
    key=(Sort("version", "bigint"),),
    exists=_EXISTS,
)

TIMELINE_SOURCES: tuple[sql.Composable, ...] = (
    read_sql("api/timeline_orders.sql"),
    _of_customer("timeline_profile.sql", before=masked_value("before"), after=masked_value("after")),
    read_sql("api/timeline_status.sql"),
    read_sql("api/timeline_events.sql").format(session_id=masked_column("e", "session_id")),
)
"""What is merged: queries for `at`, `kind`, `id`, `data` (JSON) of %(customer_id)s, persons hidden if %(masked)s."""

TIMELINE = Collection(
    TimelineEntry,
    sql.SQL("({})").format(sql.SQL("\nunion all\n").join(TIMELINE_SOURCES)),
    key=(Sort("at", "timestamptz"), Sort("kind"), Sort("id")),
    exists=_EXISTS,
)

EXPLANATION = _of_customer("explain.sql", value=masked_value("value"), shown_file=masked_column("file")).as_bytes(None)
"""Its one row: whether the customer exists, and the fields as a JSON array."""


@router.get(
    "/timeline",
    response_model=Timeline,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(TimelineQuery),
)
async def timeline(request: Request, customer_id: CustomerId) -> Response:
    """Orders, changes of attributes, vanishing from complete lists, and events, merged; the newest first."""
    masked = access_of(request).masked
    return await list_response(request, TIMELINE, TimelineQuery, values={"customer_id": customer_id, "masked": masked})


@router.get(
    "/history",
    response_model=History,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(HistoryQuery),
)
async def history(request: Request, customer_id: CustomerId) -> Response:
    """Every version of the attributes, the oldest first, with its file, row, line and run."""
    return await list_response(request, HISTORY, HistoryQuery, values={"customer_id": customer_id})


@router.get("/explain", response_model=Explanation, responses=ITEM_PROBLEMS)
async def explain(request: Request, customer_id: CustomerId) -> Response:
    """For each field of the profile its value and where it comes from: file, row, line, run, since when."""
    parsed(request, Query)
    if not is_storable(customer_id):
        return unknown_customer(request)
    access = access_of(request)
    exists, fields = await database_of(request).read_row(
        EXPLANATION, {"customer_id": customer_id, "masked": access.masked}
    )
    if not exists:
        return unknown_customer(request)
    request.state.records = 1
    body = f'{{"customer_id":{json.dumps(customer_id)},"fields":{fields}}}'
    return json_response(request, access, body, None)
