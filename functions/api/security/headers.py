"""Headers by which browsers keep an answer from doing harm: on every answer, also on errors."""

from starlette.types import Message

NO_CONTENT_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Of what is no page: nothing in it is loaded or run."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Of a page: its own files only, and nobody frames it."""

_POLICY = b"content-security-policy"
_EVERYWHERE = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_NO_CONTENT = (_POLICY, NO_CONTENT_POLICY.encode())
_TLS_ONLY = (b"strict-transport-security", b"max-age=31536000")


def add_headers(message: Message, own: tuple[bytes, bytes], *, over_tls: bool) -> None:
    """Add to a response's start its `own` header and what it does not say itself.

    Over TLS, browsers are asked to stay with it.
    """
    headers = message["headers"] = [*message.get("headers", ()), own, *_EVERYWHERE]
    if not any(name == _POLICY for name, _ in headers):
        headers.append(_NO_CONTENT)
    if over_tls:
        headers.append(_TLS_ONLY)
