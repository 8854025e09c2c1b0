"""What RFC 9110 asks of every resource alike: HEAD answers as GET does, and gzip only for callers who take it."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ZERO = re.compile(r"q\s*=\s*0(\.0*)?")


class HeadMiddleware:
    """Answers HEAD with the status and the headers of GET, and no content (section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        is_answered = False

        async def receive_until_answered() -> Message:
            # an endless stream of events ends when its caller is gone
            return {"type": "http.disconnect"} if is_answered else await receive()

        async def send_head(message: Message) -> None:
            nonlocal is_answered
            if message["type"] == "http.response.start":
                await send(message)
            elif not is_answered:
                is_answered = True
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self.app({**scope, "method": "GET"}, receive_until_answered, send_head)


class Compression(GZipMiddleware):
    """Starlette's, which takes `gzip;q=0` for yes (section 12.5.3 says it means no)."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            accepted = Headers(scope=scope).get("accept-encoding", "")
            scope["headers"] = list(scope["headers"])
            MutableHeaders(scope=scope)["accept-encoding"] = "gzip" if _takes_gzip(accepted) else "identity"
        await super().__call__(scope, receive, send)


def _takes_gzip(accepted: str) -> bool:
    for coding in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in coding.split(";"))
        if name == "gzip":
            return not any(_ZERO.fullmatch(each) for each in parameters)
    return False
