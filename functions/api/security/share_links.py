"""Tokens of share links: signed, expiring, revocable, and good for figures only.

A token is the link's id and its signature by the key in metadata.share_key, in base64url. Whoever holds it sees what
the link shows, and no more than they may see without it.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from functions.api.database import Database
from functions.common.errors import C360Error
from functions.common.sql_files import read_sql

SHARE_HEADER = b"x-share-token"
"""The header of a request through a link; the page has the token in its fragment, which no log sees."""

_SHOWN = ("/metrics", "/shares/current", "/events/recent", "/events/summary", "/events/stream")
"""Paths that a link shows, beside those below /metrics/."""

_ID_BYTES, _SIGNATURE_BYTES = 16, 16
_FIND = read_sql("api/find_share.sql").as_bytes(None)


class InvalidShareError(C360Error):
    """A token that opens nothing, now or ever; the message says why."""


@dataclass(frozen=True)
class Share:
    """A link that holds. `view` is what the page shows; its `filters` are those of `FilterQuery.given`."""

    share_id: UUID
    view: dict[str, Any]
    filters_locked: bool
    personal: bool
    expires_at: datetime

    @property
    def filters(self) -> dict[str, Any]:
        """The filters that the link was made with."""
        filters: dict[str, Any] = self.view.get("filters", {})
        return filters


def shows(path: str) -> bool:
    """Whether a link may show what is at this path."""
    return path in _SHOWN or path.startswith("/metrics/")


def sign(key: bytes, share_id: UUID) -> str:
    """The token of a link."""
    return base64.urlsafe_b64encode(share_id.bytes + _signature(key, share_id)).decode().rstrip("=")


async def find_share(database: Database, token: str) -> Share:
    """The link that a token opens. Raises InvalidShareError; TransientError when the database is away."""
    share_id, signature = _parts(token)
    key, view, locked, personal, expires_at, revoked_at = await database.read_row(_FIND, {"share_id": share_id})
    if view is None or not hmac.compare_digest(signature, _signature(bytes(key), share_id)):
        raise InvalidShareError("This link is not valid.")
    if revoked_at is not None:
        raise InvalidShareError("This link was revoked.")
    if expires_at <= datetime.now(UTC):
        raise InvalidShareError("This link has expired.")
    return Share(share_id, json.loads(view), locked, personal, expires_at)


def _parts(token: str) -> tuple[UUID, bytes]:
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidShareError("This link is not valid.") from None
    if len(content) != _ID_BYTES + _SIGNATURE_BYTES:
        raise InvalidShareError("This link is not valid.")
    return UUID(bytes=content[:_ID_BYTES]), content[_ID_BYTES:]


def _signature(key: bytes, share_id: UUID) -> bytes:
    return hmac.digest(key, share_id.bytes, sha256)[:_SIGNATURE_BYTES]
