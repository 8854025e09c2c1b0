"""Every error as problem details (RFC 9457), with the id of the request."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg import errors as pg
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from functions.common.errors import DatabaseUnavailableError
from functions.common.logging import logger

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 1

_SCHEMA = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def documented(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The `responses` argument of a route that may answer with problems of these statuses."""
    return {int(status): {"description": status.phrase, "content": _SCHEMA} for status in statuses}


def problem(
    request_id: str,
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error answer: `functions.api.models.Problem`."""
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
    return problem(request.state.request_id, error.status_code, detail, headers=error.headers)


def _invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - starlette calls this for these only
    errors = []
    for found in error.errors():
        location, *name = found["loc"]
        errors.append({"parameter": ".".join(map(str, name)), "location": str(location), "detail": found["msg"]})
    detail = "; ".join(f"{found['parameter']}: {found['detail']}" for found in errors)
    return problem(request.state.request_id, HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors=errors)


def _unavailable(request: Request, error: Exception, detail: str) -> Response:
    logger.warning(detail, request_id=request.state.request_id, error=str(error))
    return problem(
        request.state.request_id,
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"{detail}; try again shortly.",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def _database_unreachable(request: Request, error: Exception) -> Response:
    return _unavailable(request, error, "The database cannot be reached")


def _query_too_slow(request: Request, error: Exception) -> Response:
    return _unavailable(request, error, "The database took too long to answer")


def _not_migrated(request: Request, error: Exception) -> Response:
    return _unavailable(request, error, "The database is being set up")


def install(app: FastAPI) -> None:
    """Make `app` answer its errors as problems."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_parameters)
    app.add_exception_handler(DatabaseUnavailableError, _database_unreachable)
    app.add_exception_handler(pg.QueryCanceled, _query_too_slow)
    for error in (pg.UndefinedTable, pg.UndefinedColumn, pg.InvalidSchemaName):
        app.add_exception_handler(error, _not_migrated)
