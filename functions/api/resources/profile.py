"""What is known of one customer: timeline, history, and where each field comes from."""

import json

from fastapi import APIRouter, Request
from starlette.responses import Response

from functions.api.paging.conditional import json_response
from functions.api.paging.cursor import is_storable
from functions.api.paging.parameters import Query
from functions.api.resources import profile_collections as profile_lists
from functions.api.resources import profile_models
from functions.api.resources.route_parameters import HistoryQuery, TimelineQuery
from functions.api.resources.routes import ITEM_PROBLEMS
from functions.api.responses import (
    CustomerId,
    database_of,
    list_response,
    parsed,
    query_parameters,
    unknown_customer,
)
from functions.api.security.authentication import access_of

router = APIRouter(prefix="/customers/{customer_id:key}", tags=["profile"])


@router.get(
    "/timeline",
    response_model=profile_models.Timeline,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(TimelineQuery),
)
async def timeline(request: Request, customer_id: CustomerId) -> Response:
    """Orders, changes of attributes, vanishing from complete lists, and events, merged; the newest first."""
    masked = access_of(request).masked
    return await list_response(
        request, profile_lists.TIMELINE, TimelineQuery, values={"customer_id": customer_id, "masked": masked}
    )


@router.get(
    "/history",
    response_model=profile_models.History,
    responses=ITEM_PROBLEMS,
    openapi_extra=query_parameters(HistoryQuery),
)
async def history(request: Request, customer_id: CustomerId) -> Response:
    """Every version of the attributes, the oldest first, with its file, row and run."""
    return await list_response(request, profile_lists.HISTORY, HistoryQuery, values={"customer_id": customer_id})


@router.get("/explain", response_model=profile_models.Explanation, responses=ITEM_PROBLEMS)
async def explain(request: Request, customer_id: CustomerId) -> Response:
    """For each field of the profile its value and where it comes from: file, row, run, since when."""
    parsed(request, Query)
    if not is_storable(customer_id):
        return unknown_customer(request)
    access = access_of(request)
    exists, fields = await database_of(request).read_row(
        profile_lists.EXPLANATION, {"customer_id": customer_id, "masked": access.masked}
    )
    if not exists:
        return unknown_customer(request)
    request.state.records = 1
    body = f'{{"customer_id":{json.dumps(customer_id)},"fields":{fields}}}'
    return json_response(request, access, body, None)
