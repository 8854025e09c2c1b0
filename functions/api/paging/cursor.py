"""Opaque cursors: the place after a list's item, from which the next page goes on whatever is inserted before it.

A cursor holds the sort it belongs to and the last item's values of the sort's columns, as PostgreSQL writes them.
"""

import base64
import json
import re
from collections.abc import Sequence

from functions.api.errors import BadParameterError

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_INSTANT = re.compile(r"[-+:. 0-9]{10,40}|-infinity")
_VALUES = {
    "text": re.compile(r"[^\x00\ud800-\udfff]*", re.DOTALL),
    "bigint": re.compile(r"-?[0-9]{1,19}"),
    "numeric": re.compile(r"-?[0-9]{1,1000}(\.[0-9]{1,1000})?"),
    "timestamptz": _INSTANT,
    "date": _INSTANT,
}
"""PostgreSQL type -> how it writes its values."""


def is_storable(text: str) -> bool:
    """Whether PostgreSQL could hold this text at all; if not, nothing is stored under it."""
    return _VALUES["text"].fullmatch(text) is not None


def encode(sort: str, values: Sequence[str]) -> str:
    """The cursor after an item with these values."""
    content = _encode([sort, *values]).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def decode(cursor: str, sort: str, types: Sequence[str]) -> list[str]:
    """The values in `cursor`, each of its PostgreSQL type. Raises BadParameterError."""
    try:
        content = base64.urlsafe_b64decode((cursor + "=" * (-len(cursor) % 4)).encode())
        given_sort, *values = json.loads(content)
        fits = len(values) == len(types) and all(
            _VALUES[name].fullmatch(value) for value, name in zip(values, types, strict=True)
        )
    except (ValueError, TypeError, RecursionError):
        raise BadParameterError("cursor", "not a cursor of this API; take it from a page's `next`") from None
    if given_sort != sort:
        raise BadParameterError("cursor", f"belongs to a list in another order, not to sort={sort}")
    if not fits:
        raise BadParameterError("cursor", "not a cursor of this list; take it from a page's `next`")
    return list(values)
