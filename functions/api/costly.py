"""Which requests may be costly (functions/api/database.py), told by what they ask for, before anything is read."""

import re
from urllib.parse import unquote_to_bytes

_COSTLY = re.compile(rb"[?&](?:as_of|known_at)=|[?&]skip=0*[1-9][0-9]{4}|/explain[?/ ]")


def may_be_costly(request: bytes) -> bool:
    """Of the beginning of a request as it is sent. One that is not costly may be taken for it, none the other way."""
    return _COSTLY.search(unquote_to_bytes(request) if b"%" in request else request) is not None
