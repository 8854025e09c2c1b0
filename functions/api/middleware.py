"""What happens to every request: an id, a path that keeps its encoded slashes, one line in the log, no bare 500,
and headers for browsers."""

import re
from time import perf_counter
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.http import header
from functions.api.problems import problem
from functions.api.request_log import log_request
from functions.api.security.headers import add_headers
from functions.common.logging import logger

REQUEST_ID_HEADER = "X-Request-ID"

_HEADER = REQUEST_ID_HEADER.lower().encode()
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._:=/+-]{1,128}")
_UNRESERVED_IN_PATH = "/%:@!$&'()*+,;=-._~"
_ENCODED = re.compile(rb"[A-Za-z0-9/%:@!$&'()*+,;=._~-]*")


def _request_id(scope: Scope) -> str:
    """API Gateway's id of the request, else the caller's if it is harmless, else a new one."""
    context = scope.get("aws.event", {}).get("requestContext", {})
    offered = context.get("requestId") or header(scope, _HEADER) or ""
    return offered if _ACCEPTED_ID.fullmatch(offered) else str(uuid4())


def _encoded_path(scope: Scope) -> str:
    """The path as it was sent, so that `%2F` inside an id does not end a segment; one slash at its end is dropped."""
    raw: bytes | None = scope.get("raw_path")
    if raw is None:
        path = quote(scope["path"])
    else:
        path = raw.decode() if _ENCODED.fullmatch(raw) else quote(raw, safe=_UNRESERVED_IN_PATH)
    return path.removesuffix("/") or "/"


class RequestMiddleware:
    """Pure ASGI, so that it costs no task of its own.

    Routes see the encoded path; the `key` convertor of `routes.py` decodes parameters. The log line holds the
    route's template and never the path or the query, which may name a person. `root_path` is what the public URL
    has before the path: API Gateway's stage.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self.app = app
        self.root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        request_id = _request_id(scope)
        scope["path"] = _encoded_path(scope)
        scope["root_path"] = self.root_path
        scope.setdefault("state", {})["request_id"] = request_id
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                add_headers(message, (_HEADER, request_id.encode()), over_tls=scope["scheme"] == "https")
            await send(message)

        try:
            await self.app(scope, receive, send_with_id)
        except Exception:
            logger.exception("request failed", request_id=request_id)
            if status is not None:
                raise
            await problem(request_id, 500, "An error of the server; its log has the request id.")(
                scope, receive, send_with_id
            )
        finally:
            log_request(
                request_id,
                scope["method"],
                _template(scope),
                status,
                milliseconds=round((perf_counter() - began) * 1000, 1),
            )


def _template(scope: Scope) -> str | None:
    route: Any = scope.get("route")
    return getattr(route, "path_format", None)
