"""Asks for a key as API Gateway does, for a server that has none before it and must not answer everyone."""

import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from functions.api.security.public_paths import is_public

_HEADER = "X-Api-Key"


class ApiKeyMiddleware:
    """Answers what API Gateway answers, 403 and `{"message": "Forbidden"}`, unless the header has the key."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_public(scope["path"]):
            given = Headers(scope=scope).get(_HEADER, "")
            if not hmac.compare_digest(given.encode("latin-1"), self._key):
                await JSONResponse({"message": "Forbidden"}, 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)
