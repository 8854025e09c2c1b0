"""The clickstream as the API shows it: counters, what arrived last, a stream of it, one customer's live activity."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from functions.api.database import Database
from functions.api.paging.cursor import is_storable
from functions.api.problems import documented
from functions.api.resources.models import Answer, Money, Page
from functions.api.responses import CustomerId, unknown_customer
from functions.api.security.authentication import access_of
from functions.api.statements import read_sql
from functions.common.errors import TransientError

MOST_RECENT = 500
POLL_SECONDS = 0.1
STREAM_SECONDS = 300
KEEP_ALIVE_SECONDS = 15

# A batch is dated by its beginning and seen at its commit: look back far enough to miss none.
_OVERLAP = timedelta(seconds=10)

# Of the last week's partitions only. Amounts as everywhere in this API: exact, at least two decimals.
_ITEMS = """
select
    event_id, event_type, customer_id, occurred_at, product_id,
    round(amount, greatest(2, min_scale(amount))) as amount, session_id,
    case when not %(masked)s then properties end as properties, loaded_at
from business_vault.vw_event
where occurred_at > now() - interval '7 days'
"""

_COUNTED = "(select coalesce(sum(event_count), 0)::bigint from business_vault.event_total)"

_RECENT = f"""
with recent as ({_ITEMS} order by loaded_at desc, occurred_at desc, event_id limit %(limit)s)
select
    {_COUNTED},
    (
        select coalesce(json_agg(row_to_json(recent) order by loaded_at desc, occurred_at desc, event_id), '[]')::text
        from recent
    ),
    (select count(*) from recent)
""".encode()  # noqa: S608 - composed of this module's constants

# The events of one batch bear one `loaded_at`, and are seen together.
_IS_FRESH = (
    "occurred_at > now() - interval '7 days' and loaded_at <> all(%(seen)s)"
    " and loaded_at > coalesce(%(latest)s::timestamptz, now()) - %(overlap)s::interval"
)

_SINCE = f"""
with fresh as ({_ITEMS} and {_IS_FRESH} order by loaded_at desc limit %(limit)s)
select
    {_COUNTED},
    (select coalesce(array_agg(distinct loaded_at), '{{}}') from raw_vault.link_customer_event where {_IS_FRESH}),
    coalesce(array_agg(row_to_json(fresh)::text order by loaded_at, occurred_at, event_id), '{{}}')
from fresh
""".encode()  # noqa: S608 - composed of this module's constants

_ACTIVITY = b"""
select (
    select row_to_json(found)::text
    from (
        select
            c.customer_id, a.last_seen_at, a.last_event_type, a.last_session_id, a.last_product_id,
            coalesce(a.events_last_5_minutes, 0) as events_last_5_minutes,
            coalesce(a.events_last_hour, 0) as events_last_hour,
            coalesce(a.events_last_day, 0) as events_last_day,
            (
                select coalesce(json_agg(row_to_json(m) order by m.event_type), '[]')
                from (
                    select
                        event_type, event_count, last_event_time,
                        round(total_purchase_amount, greatest(2, min_scale(total_purchase_amount)))
                            as total_purchase_amount
                    from business_vault.real_time_metrics
                    where customer_id = c.customer_id
                ) as m
            ) as by_type
        from business_vault.vw_customer_360 as c
        left join business_vault.vw_live_activity as a using (customer_id)
        where c.customer_id = %(key)s
    ) as found
)
"""

_SUMMARY = read_sql("event_summary.sql").as_bytes(None)

router = APIRouter(tags=["events"])


class Event(Answer):
    """Something that somebody did on the website (`business_vault.vw_event`).

    `properties` may hold anything, so they are null without the scope `pii:read`.
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


_PROBLEMS = documented(HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


@router.get("/events/recent", response_model=EventPage, responses=_PROBLEMS)
async def recent_events(request: Request, limit: Annotated[int, Query(ge=1, le=MOST_RECENT)] = 50) -> Response:
    """The events that arrived last, of those that happened within a week. Poll it where streams do not pass."""
    masked = access_of(request).masked
    total, items, count = await _database(request).read_row(_RECENT, {"limit": limit, "masked": masked})
    request.state.records = count
    return Response(
        f'{{"items":{items},"total":{total},"next":null}}',
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


@router.get("/events/summary", response_model=EventSummary, responses=_PROBLEMS)
async def event_summary(request: Request) -> Response:
    """How many events there are, of which types, and how many customers are active; counted at this moment."""
    [found] = await _database(request).read_row(_SUMMARY)
    return Response(found, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get(
    "/customers/{customer_id:key}/activity",
    response_model=LiveActivity,
    responses=documented(HTTPStatus.NOT_FOUND) | _PROBLEMS,
)
async def live_activity(request: Request, customer_id: CustomerId) -> Response:
    """One customer's activity, counted at this moment."""
    found = None
    if is_storable(customer_id):
        [found] = await _database(request).read_row(_ACTIVITY, {"key": customer_id})
    if found is None:
        return unknown_customer(request)
    request.state.records = 1
    return Response(found, media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/events/stream", include_in_schema=False)
async def stream_events(request: Request) -> Response:
    """Server-sent events: whenever events were stored, an `events` message with `items` (oldest first) and `total`.

    At most MOST_RECENT items, the newest. Ends after five minutes; a browser's EventSource connects again by itself.
    API Gateway passes no streams: poll /events/recent there.
    """
    if "aws.event" in request.scope:
        raise HTTPException(HTTPStatus.NOT_IMPLEMENTED, "API Gateway passes no streams; poll /events/recent.")
    return StreamingResponse(
        _messages(request, _database(request)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _messages(request: Request, database: Database) -> AsyncIterator[str]:
    """The stream's text. The first message tells where things stand; a database that is away is waited for."""
    yield "retry: 1000\n\n"
    end, said = monotonic() + STREAM_SECONDS, monotonic()
    masked = access_of(request).masked
    seen: set[datetime] = set()
    said_first = False
    while monotonic() < end and not await request.is_disconnected():
        latest = max(seen, default=None)
        seen = {batch for batch in seen if latest is None or batch > latest - _OVERLAP}
        try:
            of_batches = {"latest": latest, "overlap": _OVERLAP, "seen": list(seen)}
            parameters = of_batches | {"limit": MOST_RECENT, "masked": masked}
            total, batches, items = await database.read_row(_SINCE, parameters)
        except TransientError:
            await asyncio.sleep(POLL_SECONDS)
            continue
        seen.update(batches)
        fresh = items if said_first else []
        if fresh or not said_first:
            yield f'event: events\ndata: {{"items":[{",".join(fresh)}],"total":{total}}}\n\n'
            said, said_first = monotonic(), True
        elif monotonic() - said > KEEP_ALIVE_SECONDS:
            yield ": still here\n\n"
            said = monotonic()
        await asyncio.sleep(POLL_SECONDS)
