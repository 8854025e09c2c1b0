"""The line of each request in the log, of the form that `functions.common.logging` writes.

Written here from what is known, since Powertools looks for the caller's name and for errors and extra fields, which
takes as long as all else that every request passes through.
"""

import logging
import os
import time
from typing import Any

from pydantic_core import to_json

from functions.common.logging import logger

_TRACE = "_X_AMZN_TRACE_ID"


def log_request(request_id: str, method: str, route: str | None, status: int | None, milliseconds: float) -> None:
    """Write the line, unless only more important ones are logged. `route` is a template, which names nobody."""
    if logger.log_level > logging.INFO:
        return
    now = time.time()
    line: dict[str, Any] = {
        "level": "INFO",
        "location": __name__,
        "message": "request",
        "timestamp": f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(now))},{int(now % 1 * 1000):03}+0000",
        "service": logger.service,
        "request_id": request_id,
        "method": method,
        "route": route,
        "status": status,
        "milliseconds": milliseconds,
    }
    if trace := os.environ.get(_TRACE):  # in Lambda, another one for each request
        line["xray_trace_id"] = trace.partition(";")[0].removeprefix("Root=")
    handler = logger.registered_handler
    stream = handler.stream if isinstance(handler, logging.StreamHandler) else None
    if stream is not None:
        stream.write(to_json({name: value for name, value in line.items() if value is not None}).decode() + "\n")
        stream.flush()
