"""Every answer that shows persons is recorded before it is sent: who asked, about which customer, how many records.

What cannot be recorded is not answered: 503. Recorded means committed to the chain, for which answers that wait at the
same time share a transaction; or, in a server with a spool folder, written to a file there, which outlives the process
and comes into the chain a moment later (functions/api/security/audit_trail.py).
"""

from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from pydantic_core import to_json
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.problems import unavailable
from functions.api.security.audit_trail import AuditTrail
from functions.api.security.authentication import Access
from functions.audit.chain import shown
from functions.common.errors import TransientError

AUDITED = ("/customers", "/orders", "/events", "/search", "/metrics/")
"""The paths whose answers are about persons begin with these; of the figures, those that explain show rows."""


def is_audited(path: str) -> bool:
    """Whether an answer to this path is about persons."""
    return path.startswith(AUDITED) and (not path.startswith("/metrics/") or path.endswith("/explain"))


class Audited:
    """Pure ASGI, behind the gate: records an answer of status 200 to a path of AUDITED before its first byte is sent.

    A route sets the number of records that it shows in `scope["state"]["records"]`; of a stream that is not known.
    """

    def __init__(self, app: ASGIApp, trail: AuditTrail) -> None:
        self.app = app
        self._trail = trail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not is_audited(scope["path"]):
            await self.app(scope, receive, send)
            return
        refused = False

        async def send_recorded(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 200:
                try:
                    await self._trail.record(_record(scope))
                except TransientError as error:
                    refused = True
                    answer = unavailable(scope["state"]["request_id"], "The audit trail cannot be written now", error)
                    await answer(scope, receive, send)
            if not refused:
                await send(message)

        await self.app(scope, receive, send_recorded)


def _record(scope: Scope) -> str:
    """The record as JSON: what it shares with others as they were last written, then what is its own."""
    state: dict[str, Any] = scope["state"]
    access: Access = state["access"]
    shared = _shared(
        access.subject,
        getattr(scope.get("route"), "path_format", None),
        _without_cursor(scope["query_string"]),
        access.masked,
    )
    own = f'"request_id":{_quoted(state["request_id"])}}}'
    records: int | None = state.get("records")
    if records is not None:
        own = f'"records":{records},{own}'
    customer_id: str | None = scope.get("path_params", {}).get("customer_id")
    if customer_id is not None:
        own = f'"customer_id":{_quoted(shown("customer_id", customer_id))},{own}'
    return shared + own


@lru_cache(maxsize=1024)
def _shared(subject: str | None, route: str | None, query: bytes, masked: bool) -> str:
    """The beginning of a JSON object: who asked which route, and what the list is narrowed by."""
    content = {
        "action": "read",
        "subject": subject,
        "route": route,
        "filter": {name: shown(name, value) for name, value in parse_qsl(query.decode("latin-1")) if name != "cursor"},
        "masked": masked,
    }
    said = to_json({name: value for name, value in content.items() if value not in (None, {})}).decode()
    return f"{said.removesuffix('}')},"


def _without_cursor(query: bytes) -> bytes:
    """The same filters, whichever the page."""
    return b"&".join(part for part in query.split(b"&") if not part.startswith(b"cursor=")) if query else query


def _quoted(text: str) -> str:
    return to_json(text).decode()
