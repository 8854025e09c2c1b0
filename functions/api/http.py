"""What RFC 9110 asks of every resource alike: HEAD answers as GET does, and gzip only for callers who take it.

Every request passes through here, so most do without starlette's views of the headers, which cost more than they read.
"""

import re
from collections.abc import MutableSequence
from http import HTTPStatus

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
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


def header(scope: Scope, name: bytes) -> str | None:
    """The request's first header of this name in small letters."""
    for each, value in scope["headers"]:
        if each == name:
            text: str = value.decode("latin-1")
            return text
    return None


def _add_vary(headers: MutableSequence[tuple[bytes, bytes]], name: bytes) -> None:
    """Say that the answer depends on the request's header of this name, too."""
    for place, (each, value) in enumerate(headers):
        if each == b"vary":
            headers[place] = (each, value + b", " + name)
            return
    headers.append((b"vary", name))


class CrossOrigin(CORSMiddleware):
    """Starlette's, and the same without detours for requests that no page of another origin makes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or header(scope, b"origin") is not None:
            await super().__call__(scope, receive, send)
            return

        async def send_varying(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_vary(message["headers"], b"Origin")
            await send(message)

        await self.app(scope, receive, send_varying)


class Compression(GZipMiddleware):
    """Starlette's for callers who take gzip; it takes `gzip;q=0` for yes (section 12.5.3 says it means no).

    Others are told that the answer depends on what they take, where it would have been compressed.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _takes_gzip(header(scope, b"accept-encoding") or ""):
            others = [each for each in scope["headers"] if each[0] != b"accept-encoding"]
            scope["headers"] = [*others, (b"accept-encoding", b"gzip")]
            await super().__call__(scope, receive, send)
            return

        async def send_varying(message: Message) -> None:
            if message["type"] == "http.response.start" and self._would_compress(message):
                _add_vary(message["headers"], b"Accept-Encoding")
            await send(message)

        await self.app(scope, receive, send_varying)

    def _would_compress(self, message: Message) -> bool:
        if message["status"] == HTTPStatus.PARTIAL_CONTENT:
            return False
        for name, value in message["headers"]:
            if name == b"content-length" and int(value) < self.minimum_size:
                return False
            if name == b"content-encoding" or (name == b"content-type" and _is_excluded(value)):
                return False
        return True


def _is_excluded(content_type: bytes) -> bool:
    media_type = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    return media_type in DEFAULT_EXCLUDED_CONTENT_TYPES or f"{media_type.partition('/')[0]}/*" in (
        DEFAULT_EXCLUDED_CONTENT_TYPES
    )


def _takes_gzip(accepted: str) -> bool:
    for coding in accepted.lower().split(","):
        name, *parameters = (part.strip() for part in coding.split(";"))
        if name == "gzip":
            return not any(_ZERO.fullmatch(each) for each in parameters)
    return False
