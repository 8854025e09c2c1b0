"""Cursors of lists whose order is by a value that the caller may not see: encrypted, so that they show nothing.

Callers cannot make up their own either, and ask by trying where a value stands. The key is derived from that of the
share links, which all processes of the API read.
"""

import base64
import hmac
import os
import re
from collections.abc import Sequence
from hashlib import sha256

from functions.api.database import Database
from functions.api.errors import BadParameterError
from functions.api.paging.collection import Sort
from functions.model.classification import classification

_MARK = "~"
_NONCE_BYTES = 12
_KEY = b"select key from metadata.share_key"
_PURPOSE = b"cursor"


def is_hidden(order: Sequence[Sort]) -> bool:
    """Whether a cursor of this order holds what is hidden from who may not see persons."""
    return any(
        classification().hides(name, is_text=each.type == "text" and each.expression == name)
        for each in order
        for name in re.findall("[a-z_]+", each.expression)
    )


class Seal:
    """Encrypts cursors (AES-GCM): `await seal_of(database)`."""

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # here, since few callers need it

        self._cipher = AESGCM(hmac.digest(key, _PURPOSE, sha256))

    def closed(self, cursor: str) -> str:
        """The cursor, encrypted."""
        nonce = os.urandom(_NONCE_BYTES)
        content = nonce + self._cipher.encrypt(nonce, cursor.encode(), _PURPOSE)
        return _MARK + base64.urlsafe_b64encode(content).decode().rstrip("=")

    def opened(self, sealed: str) -> str:
        """The cursor that was encrypted. Raises BadParameterError when we have not."""
        from cryptography.exceptions import InvalidTag

        try:
            encoded = sealed.removeprefix(_MARK).encode("ascii")
            content = base64.b64decode(encoded + b"=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], _PURPOSE).decode()
        except (ValueError, InvalidTag):
            raise BadParameterError("cursor", "not a cursor of this list; take it from a page's `next`") from None


async def seal_of(database: Database) -> Seal:
    """The seal that all processes of the API share."""
    [key] = await database.read_row(_KEY)
    return Seal(bytes(key))
