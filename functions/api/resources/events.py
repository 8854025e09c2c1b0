"""The clickstream as the API shows it: counters, what arrived last, a stream of it, one customer's live activity."""

from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus
from time import monotonic, time
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from functions.api.answers import Answer, Money, Page
from functions.api.paging.cursor import is_storable
from functions.api.paging.parameters import Query
from functions.api.problems import ITEM_PROBLEMS, LIST_PROBLEMS
from functions.api.resources.event_feed import EVENTS_LIMIT, EVENTS_OF_WEEK
from functions.api.responses import (
    CustomerId,
    current_response,
    database_of,
    parsed,
    query_parameters,
    unknown_customer,
)
from functions.api.security.authentication import access_of
from functions.api.security.masking import masked_column
from functions.common.sql_files import read_sql

STREAM_SECONDS = 300
KEEP_ALIVE_SECONDS = 15
LISTEN_SECONDS = 1.0
"""After which a stream looks whether its caller is still there."""

_RECENT = read_sql("api/recent_events.sql").format(events_of_week=EVENTS_OF_WEEK).as_bytes(None)
_ACTIVITY = (
    read_sql("api/live_activity.sql").format(last_session_id=masked_column("a", "last_session_id")).as_bytes(None)
)
_SUMMARY = read_sql("api/event_summary.sql").as_bytes(None)

router = APIRouter(tags=["events"])


class Event(Answer):
    """Something that somebody did on the website (`business_vault.vw_event`).

    `properties` may hold anything, so they are null without the scope `pii:read`, and `session_id` is hidden.
    """

    event_id: str
    event_type: str
    customer_id: str
    occurred_at: datetime
    product_id: str | None
    amount: Money | None
    session_id: str | None
    properties: dict[str, Any] | None
    loaded_at: datetime


class EventPage(Page):
    """The events that arrived last, the newest first. `total` counts all events so far; there is no next page."""

    items: list[Event]


class ActivityOfType(Answer):
    """What has been done so far, of one type (`business_vault.real_time_metrics`)."""

    event_type: str
    event_count: int
    last_event_time: datetime
    total_purchase_amount: Annotated[Money, Field(description="Sum of the amounts of purchases.")]


class EventSummary(Answer):
    """The counters of the clickstream, all customers together."""

    total: Annotated[int, Field(description="All events so far.", examples=[1_204_117])]
    active_customers: Annotated[int, Field(description="Whose last event is of the last five minutes.")]
    by_type: list[ActivityOfType]


class LiveActivity(Answer):
    """What a customer does now (`business_vault.vw_live_activity`); nulls and zeros for one who was never seen."""

    customer_id: str
    last_seen_at: datetime | None
    last_event_type: str | None
    last_session_id: str | None
    last_product_id: str | None
    events_last_5_minutes: int
    events_last_hour: int
    events_last_day: int
    by_type: list[ActivityOfType]


class EventsQuery(Query):
    """The events that arrived last."""

    limit: Annotated[int, Field(ge=1, le=EVENTS_LIMIT, description="Events, at most.")] = 50


@router.get(
    "/events/recent",
    response_model=EventPage,
    responses=LIST_PROBLEMS,
    openapi_extra=query_parameters(EventsQuery),
)
async def recent_events(request: Request) -> Response:
    """The events that arrived last, of those that happened within a week. Poll it where streams do not pass."""
    query = parsed(request, EventsQuery)
    parameters = {"limit": query.limit, "masked": access_of(request).masked}
    total, items, request.state.records = await database_of(request).read_row(_RECENT, parameters)
    return current_response(f'{{"items":{items},"total":{total},"next":null}}')


@router.get("/events/summary", response_model=EventSummary, responses=LIST_PROBLEMS)
async def event_summary(request: Request) -> Response:
    """How many events there are, of which types, and how many customers are active; counted at this moment."""
    parsed(request, Query)
    [summary] = await database_of(request).read_row(_SUMMARY)
    return current_response(summary)


@router.get(
    "/customers/{customer_id:key}/activity",
    response_model=LiveActivity,
    responses=ITEM_PROBLEMS,
)
async def live_activity(request: Request, customer_id: CustomerId) -> Response:
    """One customer's activity, counted at this moment."""
    parsed(request, Query)
    activity = None
    if is_storable(customer_id):
        parameters = {"key": customer_id, "masked": access_of(request).masked}
        [activity] = await database_of(request).read_row(_ACTIVITY, parameters)
    if activity is None:
        return unknown_customer(request)
    request.state.records = 1
    return current_response(activity)


@router.get("/events/stream", include_in_schema=False)
async def stream_events(request: Request) -> Response:
    """Server-sent events: whenever events were stored, an `events` message with `items` (oldest first) and `total`.

    At most EVENTS_LIMIT items, the newest. Ends after five minutes, and with the caller's token; a browser's
    EventSource connects again by itself.
    API Gateway passes no streams: poll /events/recent there.
    """
    parsed(request, Query)
    if "aws.event" in request.scope:
        raise HTTPException(HTTPStatus.NOT_IMPLEMENTED, "API Gateway passes no streams; poll /events/recent.")
    return StreamingResponse(
        _messages(request),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _messages(request: Request) -> AsyncIterator[str]:
    """The stream's text. The first message has the total alone; while the database is away, the stream waits."""
    yield "retry: 1000\n\n"
    access, feed = access_of(request), request.app.state.feed
    left = STREAM_SECONDS if access.expires_at is None else min(STREAM_SECONDS, access.expires_at - time())
    end, last_sent = monotonic() + left, monotonic()
    with feed.listening(masked=access.masked) as listener:
        while (left := end - monotonic()) > 0 and not await request.is_disconnected():
            fresh = await listener.fresh(min(left, LISTEN_SECONDS))
            if fresh is not None:
                total, items = fresh
                yield f'event: events\ndata: {{"items":[{",".join(items)}],"total":{total}}}\n\n'
            elif monotonic() - last_sent > KEEP_ALIVE_SECONDS:
                yield ": still here\n\n"
            else:
                continue
            last_sent = monotonic()
