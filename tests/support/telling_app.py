"""An ASGI application that tells which process answers."""

import os
from typing import Any


async def app(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    """The process's id and the target that was asked for."""
    if scope["type"] != "http":
        return
    body = f"{os.getpid()} {scope['raw_path'].decode()}?{scope['query_string'].decode()}".encode()
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
