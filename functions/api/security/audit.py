"""Every answer that shows persons is recorded before it is sent: who asked, for whom, how many records.

An answer waits until its record is committed; records that wait at the same time are committed together (a group
commit), so a process under load writes some hundred records a second more cheaply than one idle writes one. What cannot
be recorded is not answered: 503.
"""

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.api.database import Database
from functions.api.problems import unavailable
from functions.api.security.authentication import Access
from functions.audit.chain import MOST_RECORDS, shown
from functions.common.errors import TransientError

AUDITED = ("/customers", "/orders", "/events")
"""The paths whose answers are about persons begin with these."""


class AuditTrail:
    """Adds records to the chain, those of all requests that wait at once in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, content: dict[str, Any]) -> None:
        """Add a record and return when it is committed. Raises what kept it from being written."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((content, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_RECORDS], self._waiting[MOST_RECORDS:]
            failure: Exception | None = None
            try:
                await self._database.append_audit(json.dumps([content for content, _ in batch]))
            except Exception as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
                failure = error
            for _, written in batch:
                if written.done():  # the caller has gone
                    continue
                if failure is None:
                    written.set_result(None)
                else:
                    written.set_exception(failure)


class Audited:
    """Pure ASGI, behind the gate: records an answer of status 200 to a path of AUDITED before its first byte is sent.

    A route tells how many records it shows by `scope["state"]["records"]`; of a stream that is not known.
    """

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self.app = app
        self._trail = AuditTrail(database)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(AUDITED):
            await self.app(scope, receive, send)
            return
        refused = False

        async def send_recorded(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] == 200:
                try:
                    await self._trail.record(_content(scope))
                except TransientError as error:
                    refused = True
                    answer = unavailable(scope["state"]["request_id"], "The audit trail cannot be written now", error)
                    await answer(scope, receive, send)
            if not refused:
                await send(message)

        await self.app(scope, receive, send_recorded)


def _content(scope: Scope) -> dict[str, Any]:
    state: dict[str, Any] = scope["state"]
    access: Access = state["access"]
    customer_id: str | None = scope.get("path_params", {}).get("customer_id")
    content = {
        "action": "read",
        "subject": access.subject,
        "route": getattr(scope.get("route"), "path_format", None),
        "customer_id": None if customer_id is None else shown("customer_id", customer_id),
        "records": state.get("records"),
        "filter": {
            name: shown(name, value)
            for name, value in parse_qsl(scope["query_string"].decode("latin-1"))
            if name != "cursor"
        },
        "masked": access.masked,
        "request_id": state["request_id"],
    }
    return {name: value for name, value in content.items() if value not in (None, {})}
