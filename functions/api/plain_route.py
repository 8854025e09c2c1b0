"""Routes of endpoints that take nothing but the request and keys in its path.

FastAPI documents them; what it does for parameters, bodies and dependencies, which these do not have, takes longer than
the rest of a request, so they are called without it.
"""

from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send


class PlainRoute(APIRoute):
    """`APIRouter(route_class=PlainRoute)`: calls the endpoint itself.

    An endpoint is a coroutine that looks at the query's parameters (`functions.api.responses.parsed`) and returns a
    `Response`; each of its arguments but `request` is a `:key` of the path.
    """

    def __init__(self, path: str, endpoint: Any, **documented: Any) -> None:
        super().__init__(path, endpoint, **documented)
        taken = self.dependant
        if taken.query_params or taken.header_params or taken.cookie_params or taken.body_params or taken.dependencies:
            raise TypeError(f"{path} takes more than the request and keys of its path")

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        response = await self.endpoint(Request(scope, receive, send), **scope["path_params"])
        await response(scope, receive, send)
