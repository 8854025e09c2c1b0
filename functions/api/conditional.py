"""Conditional requests: an entity tag from the marts' watermark, so that an unchanged answer costs no query of it."""

from hashlib import blake2b

from fastapi import Request
from starlette.responses import Response

from functions.api.access import Access
from functions.api.database import Database
from functions.api.listing import WATERMARK

REVALIDATE = "private, no-cache"
"""Cache-Control of answers: callers may keep them, and ask with If-None-Match whether they still hold."""

_WATERMARK = WATERMARK.as_bytes(None)


def entity_tag(request: Request, access: Access, watermark: str) -> str:
    """Names this answer among all that this URL has given; weak, since compression changes the bytes."""
    parts = (watermark, request.app.version, str(request.url), str(access.masked))
    return f'W/"{blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()}"'


async def unchanged(request: Request, access: Access, database: Database) -> Response | None:
    """304 when the caller holds the current answer, else None. Asks the database only when they name one."""
    held = request.headers.get("if-none-match")
    if held is None:
        return None
    rows = await database.read_rows(_WATERMARK)
    if not rows:
        return None
    tag = entity_tag(request, access, rows[0][0])
    if tag.removeprefix("W/") not in (each.strip().removeprefix("W/") for each in held.split(",")):
        return None
    return Response(status_code=304, headers=_headers(tag))


def json_response(request: Request, access: Access, body: str | bytes, watermark: str | None) -> Response:
    """The answer with its cache headers; without a watermark nobody can ask whether it still holds."""
    tag = None if watermark is None else entity_tag(request, access, watermark)
    return Response(body, media_type="application/json", headers=_headers(tag))


def _headers(tag: str | None) -> dict[str, str]:
    headers = {"Cache-Control": REVALIDATE, "Vary": "Authorization"}
    return headers if tag is None else headers | {"ETag": tag}
