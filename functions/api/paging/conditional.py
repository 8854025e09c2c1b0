"""Conditional requests: an entity tag from the version that an answer shows.

That of lists and metrics is the marts' watermark, so that an unchanged answer costs no query of it; a profile, which
live activity changes at any time, is its own version.
"""

from hashlib import blake2b

from fastapi import Request
from starlette.responses import Response

from functions.api.http import header
from functions.api.security.authentication import Access

REVALIDATE = "private, no-cache"
"""Cache-Control of answers: callers may keep them, and ask with If-None-Match whether they still hold."""


def entity_tag(request: Request, access: Access, version: str) -> str:
    """Names this answer among all that this URL has given; weak, since compression changes the bytes."""
    scope = request.scope
    parts = (
        *(version, request.app.version, str(access.masked)),
        *(scope["scheme"], header(scope, b"host") or "", scope["path"], scope["query_string"].decode("latin-1")),
    )
    return f'W/"{blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()}"'


def tags_of_caller(request: Request) -> str | None:
    """The entity tags of the answers that the caller has, None when it names none."""
    return header(request.scope, b"if-none-match")


def not_modified(request: Request, access: Access, version: str | None) -> Response | None:
    """304 when the answer that the caller has shows this version, else None."""
    tags = tags_of_caller(request)
    if tags is None or version is None:
        return None
    tag = entity_tag(request, access, version)
    if tag.removeprefix("W/") not in (each.strip().removeprefix("W/") for each in tags.split(",")):
        return None
    return Response(status_code=304, headers=_headers(tag))


def json_response(request: Request, access: Access, body: str | bytes, version: str | None) -> Response:
    """The answer with its cache headers; without a version nobody can ask whether it still holds."""
    tag = None if version is None else entity_tag(request, access, version)
    if (
        tag is not None and (tags_of_caller(request) or "").strip() == "*"
    ):  # any answer that there is (RFC 9110, 13.1.2)
        return Response(status_code=304, headers=_headers(tag))
    return Response(body, media_type="application/json", headers=_headers(tag))


def _headers(tag: str | None) -> dict[str, str]:
    headers = {"Cache-Control": REVALIDATE, "Vary": "Authorization"}
    return headers if tag is None else headers | {"ETag": tag}
