"""Every error as problem details (RFC 9457), with the id of the request."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg import errors as pg
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from functions.api.errors import BadParameterError, CostlyBusyError
from functions.common.errors import DatabaseConflictError, DatabaseUnavailableError, TransientError
from functions.common.logging import logger

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1

_SCHEMA = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` argument of a route that may answer with problems of these statuses."""
    return {int(status): {"description": status.phrase, "content": _SCHEMA} for status in statuses}


LIST_PROBLEMS = {304: {"description": "Not modified: the answer that `If-None-Match` names still holds."}} | documented(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""The problems of a route that answers with a list."""
ITEM_PROBLEMS = documented(HTTPStatus.NOT_FOUND) | LIST_PROBLEMS
"""The problems of a route below one object."""


def problem(
    request_id: str,
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error answer: `functions.api.answers.Problem`."""
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "request_id": request_id,
    }
    if errors is not None:
        content["errors"] = errors
    return JSONResponse(content, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - starlette calls this for HTTPException only
    detail = error.detail
    if detail == HTTPStatus(error.status_code).phrase:
        detail = f"{request.method} is not possible here, or there is nothing here; see /docs."
    headers = dict(error.headers or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"  # see functions/api/http.py
    return problem(request.state.request_id, error.status_code, detail, headers=headers)


def _unprocessable(request: Request, errors: list[dict[str, str]]) -> Response:
    detail = "; ".join(f"{each['parameter']}: {each['detail']}" for each in errors)
    return problem(request.state.request_id, HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


def _invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError | ValidationError)  # noqa: S101 - for these only
    errors = []
    for invalid in error.errors():
        location, *name = invalid["loc"] if isinstance(error, RequestValidationError) else ("query", *invalid["loc"])
        detail = invalid["msg"].removeprefix("Value error, ")
        if invalid["type"] == "extra_forbidden":
            detail = "there is no such parameter here; see /docs"
        if location == "query":  # of a parameter that is given several times, not which one
            name = [part for part in name if isinstance(part, str)]
        errors.append({"parameter": ".".join(map(str, name)), "location": str(location), "detail": detail})
    return _unprocessable(request, errors)


def _bad_parameter(request: Request, error: Exception) -> Response:
    assert isinstance(error, BadParameterError)  # noqa: S101 - starlette calls this for these only
    return _unprocessable(request, [{"parameter": error.parameter, "location": "query", "detail": error.message}])


def _unstorable(request: Request, _error: Exception) -> Response:
    return _unprocessable(
        request, [{"parameter": "query", "location": "query", "detail": "a value is outside of what can be stored"}]
    )


def unavailable(request_id: str, detail: str, error: Exception) -> Response:
    """503 with Retry-After; the error itself goes to the log."""
    logger.warning(detail, request_id=request_id, error=str(error))
    return problem(
        request_id,
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{detail}; try again shortly.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


_UNAVAILABLE: dict[type[Exception], str] = {
    DatabaseUnavailableError: "The database cannot be reached",
    DatabaseConflictError: "The database is being changed",
    CostlyBusyError: "As many costly requests as may be at once, such as lists as of an instant, are answered now",
    TransientError: "A service that this one needs cannot be reached",
    pg.QueryCanceled: "The database took too long to answer",
    # a cold start in the middle of a migration, or before the first one
    pg.UndefinedTable: "The database is being set up",
    pg.UndefinedColumn: "The database is being set up",
    pg.UndefinedFunction: "The database is being set up",
    pg.InvalidSchemaName: "The database is being set up",
    pg.InsufficientPrivilege: "The database is being set up",
}


def _handler(detail: str) -> Callable[[Request, Exception], Response]:
    return lambda request, error: unavailable(request.state.request_id, detail, error)


def install(app: FastAPI) -> None:
    """Make `app` answer its errors as problems."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)
    app.add_exception_handler(ValidationError, _invalid_parameters)
    app.add_exception_handler(BadParameterError, _bad_parameter)
    app.add_exception_handler(pg.DataError, _unstorable)
    for error, detail in _UNAVAILABLE.items():
        app.add_exception_handler(error, _handler(detail))
